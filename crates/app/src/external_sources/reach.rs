//! How a source is reached: its address with what was allowed and its credentials, or its process.

use std::path::PathBuf;
use std::sync::Arc;

use outbound::Policy;
use outbound::grant::Grant;
use outbound::mcp::{Access, Open, Place, Program, Web};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::external_sources::{AuthType, ExternalSource, Transport};

use super::credentials::{self, FromSecret};
use super::{command_of, grants_of, oauth};
use crate::{App, Error, Result, Tie};

/// What begins the value of a variable of a process that is a secret of the server.
pub(super) const SECRET: &str = "secret:";

/// What sources are told of this program.
pub(super) fn info() -> Value {
    json!({ "name": "mcpbox", "title": "mcpbox", "version": env!("CARGO_PKG_VERSION") })
}

/// Where a source is; of a process its `program`.
pub(super) fn place(app: &App, source: &ExternalSource, program: Option<Program>) -> Result<Place> {
    if let Some(program) = program {
        return Ok(Place::Process(program));
    }
    let web = Web {
        url: source.url.clone().unwrap_or_default(),
        client: app.outbound()?.clone(),
        caller: format!("source:{}", source.id),
        policy: policy(app, source),
        access: access(app.tie(), app, source),
    };
    Ok(match source.transport {
        Transport::Sse => Place::EventStream(web),
        Transport::StreamableHttp | Transport::Stdio => Place::Http(web),
    })
}

/// What a person allowed a source.
pub(super) fn policy(app: &App, source: &ExternalSource) -> Policy {
    let grants = grants_of(source).iter().filter_map(|grant| grant.parse::<Grant>().ok()).collect();
    Policy::Source { grants, allow_loopback: app.external().allow_loopback }
}

fn access(tie: Tie, app: &App, source: &ExternalSource) -> Arc<dyn Access> {
    match source.auth_type {
        AuthType::None => Arc::new(Open),
        AuthType::Bearer | AuthType::Header => match FromSecret::of(app, source) {
            Some(access) => Arc::new(access),
            None => Arc::new(Open),
        },
        AuthType::Oauth => oauth::access(tie, source),
    }
}

/// The process of a source, with the values that the secrets which its environment names have now; nothing for one
/// at an address.
pub(super) async fn program(app: &App, source: &ExternalSource) -> Result<Option<Program>> {
    if source.transport != Transport::Stdio {
        return Ok(None);
    }
    let command = command_of(source).ok_or_else(|| {
        Error::Conflict(format!("source `{}` has no command: write it again", source.name))
    })?;
    let mut environment = Vec::new();
    for (name, value) in command.env {
        let value = match value.strip_prefix(SECRET) {
            Some(key) => {
                let value = credentials::of_server(app, source.server_id, key).await?;
                app.connections().shown.to(source.id).add(key, value.expose_secret());
                value.expose_secret().to_owned()
            }
            None => value,
        };
        environment.push((name, value));
    }
    Ok(Some(Program {
        command: PathBuf::from(command.command),
        arguments: command.args,
        environment,
        directory: command.cwd.map(PathBuf::from),
    }))
}
