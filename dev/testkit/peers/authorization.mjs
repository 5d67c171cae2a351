// An authorization server that rotates refresh tokens (oidc-provider), and an MCP server that wants its tokens.
// `authorization.mjs [TTL]`: access tokens live TTL seconds. Prints both ports, separated by a space.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const lifetime = Number(process.argv[2] ?? 3600);
const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

const resourceServer = createServer();
const resourcePort = await listen(resourceServer);
const resource = `http://127.0.0.1:${resourcePort}/mcp`;
const authorizationServer = createServer();
const authorizationPort = await listen(authorizationServer);
const issuer = `http://127.0.0.1:${authorizationPort}`;

const counted = { refreshes: 0, logins: 0, revoked: 0 };
const provider = new Provider(issuer, {
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "tools offline_access",
        audience: resource,
        accessTokenTTL: lifetime,
        accessTokenFormat: "opaque",
      }),
    },
  },
  scopes: ["openid", "offline_access", "tools"],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  ttl: { AccessToken: lifetime, RefreshToken: 3600, Interaction: 60, Session: 600, Grant: 3600 },
  cookies: { keys: ["a key of a test"] },
  interactions: { url: (_ctx, interaction) => `/agree/${interaction.uid}` },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
});
provider.on("grant.success", (ctx) => {
  if (ctx.oidc.params.grant_type === "refresh_token") counted.refreshes += 1;
});
provider.on("authorization.success", () => (counted.logins += 1));
provider.on("revocation.success", () => (counted.revoked += 1));
provider.on("refresh_token.destroyed", () => (counted.revoked += 1));

// The person agrees to whatever is asked.
async function agree(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId: "ada" } });
  }
  const grant =
    (grantId && (await provider.Grant.find(grantId))) ??
    new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope((params.scope ?? "").trim() || "openid");
  grant.addResourceScope(resource, "tools offline_access");
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

const handle = provider.callback();
authorizationServer.on("request", (request, response) => {
  if (request.url.startsWith("/agree/")) {
    agree(request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    handle(request, response);
  }
});

const tool = {
  name: "whoami",
  description: "Tells who is logged in, and how often that was.",
  inputSchema: { type: "object", properties: {} },
};

function answer(message, account) {
  switch (message.method) {
    case "server/discover":
      return {
        supportedVersions: ["2026-07-28"],
        capabilities: { tools: {} },
        serverInfo: { name: "guarded", version: "1" },
      };
    case "tools/list":
      return { tools: [tool], ttlMs: 0, cacheScope: "private" };
    case "tools/call":
      return { content: [{ type: "text", text: JSON.stringify({ account, ...counted }) }] };
    default:
      return undefined;
  }
}

const json = (response, status, value, headers = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

resourceServer.on("request", async (request, response) => {
  if (request.url === "/.well-known/oauth-protected-resource/mcp") {
    return json(response, 200, {
      resource,
      authorization_servers: [issuer],
      scopes_supported: ["tools"],
    });
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  if (request.url === "/revoke-all") {
    // As an administrator of the other side does: no token is worth anything any more.
    for (const token of issued) await (await provider.AccessToken.find(token))?.destroy();
    issued.clear();
    return json(response, 200, counted);
  }
  if (request.url === "/counted") return json(response, 200, counted);
  const [, token] = (request.headers.authorization ?? "").match(/^Bearer (.+)$/) ?? [];
  const found = token && (await provider.AccessToken.find(token));
  if (!found || found.aud !== resource) {
    const metadata = `http://127.0.0.1:${resourcePort}/.well-known/oauth-protected-resource/mcp`;
    response.writeHead(401, { "www-authenticate": `Bearer resource_metadata="${metadata}"` });
    return response.end();
  }
  issued.add(token);
  const message = JSON.parse(Buffer.concat(parts).toString() || "{}");
  const result = answer(message, found.accountId);
  if (!result) return json(response, 404, {});
  return json(response, 200, {
    jsonrpc: "2.0",
    id: message.id,
    result: { resultType: "complete", ...result },
  });
});
const issued = new Set();

process.stdout.write(`${authorizationPort} ${resourcePort}\n`);
