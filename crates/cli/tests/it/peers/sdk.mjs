// The official MCP client in JavaScript as it was before, @modelcontextprotocol/sdk. Argument: the address of /mcp.

import { Peer, load } from "./peer.mjs";

const from = (file) => load(`@modelcontextprotocol/sdk/${file}`);
const { Client } = from("client/index.js");
const { StreamableHTTPClientTransport } = from("client/streamableHttp.js");
const { ElicitRequestSchema, ToolListChangedNotificationSchema } = from("types.js");
const [url] = process.argv.slice(2);

class Former extends Peer {
  call(name, given, signal) {
    return this.client.callTool({ name, arguments: given }, undefined, this.options(signal));
  }
}

const peer = new Former();
peer.client = new Client({ name: "sdk", version: "1" }, { capabilities: { elicitation: {} } });
peer.client.setRequestHandler(ElicitRequestSchema, async (request) => peer.asked(request.params));
peer.client.setNotificationHandler(ToolListChangedNotificationSchema, () => peer.changed());
const transport = new StreamableHTTPClientTransport(new URL(url));
await peer.client.connect(transport);
await peer.obey(transport.protocolVersion);
