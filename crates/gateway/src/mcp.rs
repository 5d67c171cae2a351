//! The protocol's methods: what this server says of itself, its tools, their calls, and news of changes.

use std::sync::{Arc, OnceLock};

use app::App;
use app::identity::Caller;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestMethod, CompleteRequestParams,
    CompleteResult, CustomRequest, CustomResult, ErrorCode, Implementation,
    ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, SubscriptionFilter,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, Peer, RoleServer, ServerHandler};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::identity::Identity;
use crate::{answer, listing, management, resources, standing};

/// The most characters of a client's own name that are kept.
const CLIENT_NAME_MAX_CHARS: usize = 100;

const INSTRUCTIONS: &str = "mcpbox lets you make tools: write Python with mcpbox_create_tool, try \
it with mcpbox_test_code, then mcpbox_request_publish. A person approves it; from then on it is \
listed here as server__tool for every conversation.";

/// The methods that take parameters of a known shape. A request of one of these that arrives
/// untyped had parameters of another shape.
const TYPED_METHODS: [&str; 6] = [
    "initialize",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

/// The handler of one session, or of one request where there are no sessions.
pub(crate) struct Mcp {
    app: App,
    admin_address: Arc<str>,
    /// Taken when the handler is made, so that no change after that is missed.
    changes: watch::Receiver<i64>,
    /// Ends the session's announcements together with the session.
    announcing: OnceLock<DropGuard>,
}

impl Mcp {
    pub(crate) fn new(app: App, admin_address: &str) -> Self {
        let changes = app.changes();
        Self { app, admin_address: admin_address.into(), changes, announcing: OnceLock::new() }
    }

    pub(crate) fn for_one_session(&self) -> Self {
        Self {
            app: self.app.clone(),
            admin_address: Arc::clone(&self.admin_address),
            changes: self.app.changes(),
            announcing: OnceLock::new(),
        }
    }

    async fn call(
        &self,
        caller: Caller,
        request: CallToolRequestParams,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let name = &*request.name;
        let result = if name.starts_with(management::PREFIX) {
            let Some(tool) = management::find(name).filter(|_| caller.scopes.author) else {
                return Err(self.unknown(&caller, name).await);
            };
            let admin_address = Arc::clone(&self.admin_address);
            tool.call(self.app.clone(), caller, admin_address, arguments).await
        } else if caller.scopes.call {
            match app::calls::run(&self.app, &caller, name, arguments).await {
                Ok(report) => answer::of_report(&report),
                Err(app::Error::NotFound { .. }) => {
                    return Err(self.unknown(&caller, name).await);
                }
                Err(error) => answer::of_error(&error),
            }
        } else {
            return Err(self.unknown(&caller, name).await);
        };
        Ok(result.into())
    }

    /// The error for a name that cannot be called.
    async fn unknown(&self, caller: &Caller, name: &str) -> ErrorData {
        match standing::why_not(&self.app, caller, name, &self.admin_address).await {
            Some(text) => ErrorData::invalid_params(text, None),
            None => listing::unknown(&self.app, caller, name).await,
        }
    }
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .build();
        let implementation =
            Implementation::new("mcpbox", env!("CARGO_PKG_VERSION")).with_title("mcpbox");
        ServerConfig::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = caller(&context)?;
        let cursor = request.and_then(|request| request.cursor);
        listing::page(&self.app, caller.scopes, cursor.as_deref()).await
    }

    /// A call that is cancelled, by its client or because it went away, is dropped where it
    /// stands; what management tools change, they finish all the same.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = caller(&context)?;
        tokio::select! {
            result = self.call(caller, request) => result,
            () = context.ct.cancelled() => {
                Err(ErrorData::internal_error("the call was cancelled", None))
            }
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.app, caller(&context)?, cursor.as_deref()).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = resources::read(&self.app, caller(&context)?, &request.uri).await?;
        Ok(read.into())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let stop = CancellationToken::new();
        if self.announcing.set(stop.clone().drop_guard()).is_ok() {
            drop(tokio::spawn(announce(self.changes.clone(), context.peer, stop)));
        }
    }

    fn accepted_subscription_filter(&self, _: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.clone();
        let wanted = context.accepted().tools_list_changed == Some(true);
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                moved = changes.changed(), if wanted => {
                    if moved.is_err() || context.sink().notify_tool_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    // What is not declared is not answered: an empty list would look like a capability.

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method;
        if TYPED_METHODS.contains(&method.as_str()) {
            let text = format!(
                "Invalid params for {method}: `params` must be an object of the shape this method has; for tools/call: `name`, a string, and `arguments`, an object; for resources/read: `uri`, a string"
            );
            return Err(ErrorData::invalid_params(text, None));
        }
        let text = format!(
            "Method not found: {method}; this server has tools/list, tools/call, resources/list, resources/templates/list and resources/read"
        );
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, text, None))
    }
}

/// Tells the client of a session about changes until the session ends.
async fn announce(
    mut changes: watch::Receiver<i64>,
    peer: Peer<RoleServer>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            moved = changes.changed() => {
                if moved.is_err() || peer.notify_tool_list_changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Who sent a request, with the name its client gives itself.
fn caller(context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let identity = parts.and_then(|parts| parts.extensions.get::<Identity>()).ok_or_else(|| {
        tracing::error!("a request arrived without an identity");
        ErrorData::internal_error("internal error; the server's log has the cause", None)
    })?;
    // Requests that carry their own protocol version carry the client's name as well, or none.
    let client = if context.meta.protocol_version().is_some() {
        context.meta.client_info()
    } else {
        context.client_info()
    };
    Ok(identity.caller(client.map(|client| client_name(&client))))
}

/// What a client calls itself, short and on one line: it is shown in logs and pages.
fn client_name(client: &Implementation) -> String {
    let whole = format!("{} {}", client.name, client.version);
    let printable = whole.trim().chars().filter(|character| !character.is_control());
    printable.take(CLIENT_NAME_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_name_is_one_short_line() {
        assert_eq!(client_name(&Implementation::new("desk", "1.2")), "desk 1.2");
        let long = Implementation::new("a\r\nb".to_owned() + &"x".repeat(500), "1");
        let name = client_name(&long);
        assert!(name.starts_with("abx") && name.chars().count() == CLIENT_NAME_MAX_CHARS);
    }
}
