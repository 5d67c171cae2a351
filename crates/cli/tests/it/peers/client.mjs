// The official MCP client in JavaScript, @modelcontextprotocol/client. Arguments: the address of /mcp and the mode.

import { Peer, load } from "./peer.mjs";

const { Client, StreamableHTTPClientTransport } = load("@modelcontextprotocol/client");
const [url, mode] = process.argv.slice(2);

class Official extends Peer {
  call(name, given, signal) {
    return this.client.callTool({ name, arguments: given }, this.options(signal));
  }
}

const peer = new Official();
const onChanged = () => peer.changed();
peer.client = new Client(
  { name: "client", version: "1" },
  {
    capabilities: { elicitation: {} },
    versionNegotiation: { mode },
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged } },
  },
);
peer.client.setRequestHandler("elicitation/create", async (request) => peer.asked(request.params));
await peer.client.connect(new StreamableHTTPClientTransport(new URL(url)));
await peer.obey(peer.client.getNegotiatedProtocolVersion());
