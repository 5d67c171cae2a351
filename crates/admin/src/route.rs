//! A row of the table of routes: method, path, who may use it, and the handler behind that check.

use Access::{Api, Callback, Gateways, Open, Page, Scrape};
use Method::{Delete, Get, Patch, Post, Put};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter};

use crate::{Shared, limits, metrics, relay, session};

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Open,
    /// Who has a session of the pages; others are sent to sign in.
    Page,
    /// As `Page`; logins that nobody began here are passed on, where the operator says so.
    Callback,
    /// Who shows an access token; others are answered 401.
    Api,
    /// Who shows an access token; where the operator says so, programs of this machine without one.
    Gateways,
    /// Who shows the token for metrics, or is signed in.
    Scrape,
}

/// A row of the table.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    handler: fn(MethodFilter) -> MethodRouter<Shared>,
}

impl Route {
    pub(crate) const fn new(
        method: Method,
        path: &'static str,
        access: Access,
        handler: fn(MethodFilter) -> MethodRouter<Shared>,
    ) -> Self {
        Self { method, path, access, handler }
    }

    pub(crate) fn is_api(&self) -> bool {
        ["/api/", "/auth/"].iter().any(|area| self.path.starts_with(area))
    }

    /// The handler behind the check that its access asks for.
    pub(crate) fn guarded(&self, shared: &Shared) -> MethodRouter<Shared> {
        let handler = (self.handler)(self.method.filter());
        match self.access {
            Open if self.is_api() => {
                handler.route_layer(from_fn_with_state(shared.clone(), limits::of_anybody))
            }
            Open => handler,
            Page => handler.route_layer(from_fn_with_state(shared.clone(), session::require_page)),
            Callback => handler
                .route_layer(from_fn_with_state(shared.clone(), relay::require_page_or_pass_on)),
            Api => handler.route_layer(from_fn_with_state(shared.clone(), session::require_api)),
            Gateways => {
                handler.route_layer(from_fn_with_state(shared.clone(), session::require_gateways))
            }
            Scrape => handler.route_layer(from_fn_with_state(shared.clone(), metrics::require)),
        }
    }
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Get => "GET",
            Post => "POST",
            Put => "PUT",
            Patch => "PATCH",
            Delete => "DELETE",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Get => MethodFilter::GET,
            Post => MethodFilter::POST,
            Put => MethodFilter::PUT,
            Patch => MethodFilter::PATCH,
            Delete => MethodFilter::DELETE,
        }
    }
}
