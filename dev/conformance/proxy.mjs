// Stands between a suite, which knows no tokens, and the program: adds the caller's token, passes everything else
// on as it is, and plays the two tools by which a suite has lists change.
//
// Arguments: the address of /mcp, then as JSON {caller, author, tools, prompts}: the two tokens and the ids of the
// servers that come and go. The first line of output is the proxy's own address.

import http from "node:http";

const target = new URL(process.argv[2]);
const settings = JSON.parse(process.argv[3]);
const triggers = {
  test_trigger_tool_change: { server: settings.tools, running: true },
  test_trigger_prompt_change: { server: settings.prompts, running: true },
};
const PROTOCOL = "2026-07-28";

function bodyOf(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => resolve(Buffer.concat(chunks)));
    stream.on("error", reject);
  });
}

// Stops or starts the server whose tool or prompt the suite wants to come or go.
async function toggle(trigger) {
  const name = trigger.running ? "mcpbox_stop_server" : "mcpbox_start_server";
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientInfo": { name: "conformance-proxy", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const params = { name, arguments: { server_id: trigger.server }, _meta };
  const answer = await fetch(target, {
    method: "POST",
    headers: {
      Accept: "application/json, text/event-stream",
      Authorization: `Bearer ${settings.author}`,
      "Content-Type": "application/json",
      "MCP-Protocol-Version": PROTOCOL,
      "Mcp-Method": "tools/call",
      "Mcp-Name": name,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  });
  const text = await answer.text();
  if (!answer.ok || !text.includes('"success":true')) throw new Error(`${name}: ${answer.status} ${text}`);
  trigger.running = !trigger.running;
}

function triggered(body) {
  try {
    const message = JSON.parse(body);
    const trigger = message.method === "tools/call" ? triggers[message.params?.name] : undefined;
    return trigger && { id: message.id, trigger };
  } catch {
    return undefined;
  }
}

function pass(request, response, body) {
  const headers = { ...request.headers, authorization: `Bearer ${settings.caller}` };
  const { hostname, port, pathname: path } = target;
  const onward = http.request({ hostname, port, path, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    response.flushHeaders();
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  onward.end(body);
}

const server = http.createServer(async (request, response) => {
  const body = await bodyOf(request);
  const change = request.method === "POST" ? triggered(body) : undefined;
  if (!change) return pass(request, response, body);
  let text = "The list has changed.";
  let isError = false;
  try {
    await toggle(change.trigger);
  } catch (error) {
    [text, isError] = [String(error), true];
    console.error(text);
  }
  const result = { resultType: "complete", content: [{ type: "text", text }], isError };
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id: change.id, result }));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
