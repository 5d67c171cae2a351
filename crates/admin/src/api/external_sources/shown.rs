//! External sources and their tools, as the API shows them. Nothing in here is secret.

use app::external_sources::{
    AuthType, Detail, Discovered, Found, Imports, SourceTokens, TokenState, command_of, grants_of,
    settings_of,
};
use app::tools::Imported;
use serde_json::{Value, json};

pub(super) fn source(detail: &Detail) -> Value {
    let Detail { source, tokens } = detail;
    let command = command_of(source);
    let oauth = (source.auth_type == AuthType::Oauth).then(|| settings_of(source));
    let mut body = json!({
        "id": source.id,
        "server_id": source.server_id,
        "name": source.name,
        "description": source.description,
        "transport_type": source.transport,
        "url": source.url,
        "auth_type": source.auth_type,
        "auth_secret_name": source.auth_secret_name,
        "auth_header_name": source.auth_header_name,
        "status": detail.status().as_str(),
        "enabled": source.enabled,
        "managed_by": source.managed_by,
        "grants": grants_of(source),
        "granted_at": source.granted_at,
        "granted_by": source.granted_by,
        "rejection_reason": source.rejection_reason,
        "failure": source.failure,
        "failed_at": source.failed_at,
        "tool_count": source.tool_count,
        "last_discovered_at": source.last_discovered_at,
        "oauth": oauth,
        "oauth_client_id": oauth.as_ref().and_then(|oauth| oauth.client_id.as_ref()),
        "oauth_issuer": tokens.as_ref().map(|tokens| &tokens.issuer),
        "oauth_authenticated": tokens.as_ref().is_some_and(is_connected),
        "oauth_tokens": tokens.as_ref().map(of_tokens),
        "refresh_owner": source.refresh_owner,
        "created_by": source.created_by,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    });
    if let (Value::Object(body), Some(command)) = (&mut body, command) {
        body.insert("command".to_owned(), json!(command.command));
        body.insert("args".to_owned(), json!(command.args));
        body.insert("env".to_owned(), json!(command.env));
        body.insert("cwd".to_owned(), json!(command.cwd));
    }
    body
}

fn is_connected(tokens: &SourceTokens) -> bool {
    tokens.state == TokenState::Connected
}

/// What is known of tokens, without them.
fn of_tokens(tokens: &SourceTokens) -> Value {
    json!({
        "state": tokens.state,
        "failure": tokens.failure,
        "scope": tokens.scope,
        "expires_at": tokens.expires_at,
        "has_refresh_token": tokens.has_refresh_token,
        "resource": tokens.resource,
        "updated_at": tokens.updated_at,
    })
}

pub(super) fn discovered(found: &Discovered) -> Value {
    let left_out = found.left_out.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
    json!({
        "success": true,
        "source_id": found.source.id,
        "source_name": found.source.name,
        "last_discovered_at": found.source.last_discovered_at,
        "tools": found.tools.iter().map(tool).collect::<Vec<_>>(),
        "total": found.tools.len(),
        "left_out": left_out.collect::<Vec<_>>(),
    })
}

fn tool(found: &Found) -> Value {
    json!({
        "name": found.name,
        "description": found.description(),
        "input_schema": found.input_schema(),
        "output_schema": found.definition.get("outputSchema"),
        "annotations": found.definition.get("annotations"),
        "already_imported": found.imported_as.is_some(),
        "tool_id": found.imported_as,
        "remarks": found.remarks,
        "fault": found.fault,
    })
}

pub(super) fn imports(imports: &Imports) -> Value {
    let created = imports.created.iter().map(|(tool, revision)| {
        json!({
            "id": tool.id,
            "name": tool.name,
            "description": tool.description,
            "tool_type": "mcp_passthrough",
            "external_tool_name": revision.imported.as_ref().map(Imported::name),
            "approval_status": revision.state,
            "status": "created",
        })
    });
    let skipped = imports
        .skipped
        .iter()
        .map(|one| json!({ "name": one.name, "status": one.status, "reason": one.reason }));
    json!({
        "success": true,
        "imported_tools": created.collect::<Vec<_>>(),
        "count": imports.created.len(),
        "skipped_tools": skipped.collect::<Vec<_>>(),
        "skipped_count": imports.skipped.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::tests::{detail, tokens};

    #[test]
    fn a_source_says_how_it_stands_and_what_is_known_of_its_tokens() {
        let mut detail = detail();
        let shown = source(&detail);
        assert_eq!(
            (&shown["status"], &shown["oauth_authenticated"]),
            (&json!("pending"), &json!(false))
        );
        assert_eq!(shown["oauth_tokens"], Value::Null);
        detail.tokens = Some(tokens());
        let shown = source(&detail);
        assert_eq!(shown["oauth_authenticated"], true);
        assert_eq!(shown["oauth_tokens"]["scope"], "files.read");
        assert_eq!(
            shown["oauth_tokens"].get("secret_id"),
            None,
            "where they are is nobody's concern"
        );
    }
}
