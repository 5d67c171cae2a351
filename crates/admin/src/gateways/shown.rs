//! A gateway as an answer shows it; no answer holds a token or another credential.

use app::external_sources::registration::Standing;
use app::external_sources::{AuthType, SourceTokens, Transport, grants_of};
use serde_json::{Value, json};

pub(super) fn shown(standing: &Standing, warnings: &[String], is_contextforge: bool) -> Value {
    let source = &standing.detail.source;
    let left_out =
        standing.left_out.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
    let id = if is_contextforge { source.id.simple().to_string() } else { source.id.to_string() };
    let transport = match (source.transport, is_contextforge) {
        (Transport::StreamableHttp, false) => "streamable_http",
        (Transport::StreamableHttp, true) => "STREAMABLEHTTP",
        (Transport::Sse, false) => "sse",
        (Transport::Sse, true) => "SSE",
        (Transport::Stdio, false) => "stdio",
        (Transport::Stdio, true) => "STDIO",
    };
    json!({
        "id": id,
        "name": source.name,
        "slug": standing.server.name,
        "url": source.url,
        "transport": transport,
        "description": source.description,
        "enabled": source.enabled,
        "reachable": standing.is_reachable(),
        "status": standing.word(),
        "statusMessage": standing.message(),
        "lastError": source.failure,
        "toolCount": source.tool_count,
        "importedTools": standing.imported,
        "waitingTools": standing.waiting,
        "liveTools": standing.live,
        "skippedTools": left_out.collect::<Vec<_>>(),
        "auth": auth(source.auth_type, standing),
        "authType": source.auth_type,
        "allowedHosts": grants_of(source),
        "serverId": standing.server.id,
        "managedBy": source.managed_by,
        "createdBy": source.created_by,
        "createdAt": source.created_at,
        "updatedAt": source.updated_at,
        "lastSeen": source.last_discovered_at,
        "warnings": warnings,
    })
}

fn auth(kind: AuthType, standing: &Standing) -> Value {
    let tokens: Option<&SourceTokens> = standing.detail.tokens.as_ref();
    json!({
        "type": kind,
        "state": tokens.map(|tokens| tokens.state),
        "expiresAt": tokens.and_then(|tokens| tokens.expires_at),
        "hasRefreshToken": tokens.is_some_and(|tokens| tokens.has_refresh_token),
        "scope": tokens.and_then(|tokens| tokens.scope.as_deref()),
        "refreshOwner": (kind == AuthType::Oauth).then_some(standing.detail.source.refresh_owner),
    })
}
