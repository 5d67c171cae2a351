//! Who asks: a signed-in person, or a caller of the MCP door.

use std::fmt;
use std::net::IpAddr;

use uuid::Uuid;

use crate::{Error, Result};

/// Who the records name where a setting approves.
pub(crate) const AUTO_APPROVE: &str = "auto_approve";

/// Who the records name for programs of this machine that register sources without a token. No account is called so.
const UNSIGNED: &str = "gateway client";

/// A signed-in person; holding one is the proof of the sign-in.
#[derive(Debug, Clone)]
pub struct Admin {
    pub(crate) user_id: Uuid,
    pub(crate) username: String,
    pub(crate) address: Option<IpAddr>,
}

impl Admin {
    /// The account's name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The account's id.
    pub fn user_id(&self) -> Uuid {
        self.user_id
    }

    /// Nobody in person: a setting by which a person decided beforehand.
    pub(crate) fn by_setting() -> Self {
        let username = AUTO_APPROVE.to_owned();
        Self { user_id: Uuid::nil(), username, address: None }
    }

    /// Nobody in person: what the operator has the program do by how it is started, with a file, a flag or a
    /// command. `name` says which.
    pub fn operator(name: &str) -> Self {
        Self { user_id: Uuid::nil(), username: name.to_owned(), address: None }
    }

    /// Nobody in person: a program of this machine that the operator lets register sources without a token.
    pub fn unsigned() -> Self {
        Self::operator(UNSIGNED)
    }

    /// Whether that is a program without a token.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.user_id.is_nil() && self.username == UNSIGNED
    }

    /// The same person, who asks from this address.
    #[must_use]
    pub fn at(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }
}

/// What a caller may do at the MCP door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// May list and call approved tools.
    pub call: bool,
    /// May use the management tools: write, test and file tools.
    pub author: bool,
}

impl Scopes {
    /// Both scopes, as on loopback without a token.
    pub const ALL: Self = Self { call: true, author: true };
}

/// A caller of the MCP door.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The name of the token, if one was shown.
    pub token: Option<String>,
    /// The name and version that the client gives itself.
    pub client: Option<String>,
    /// The address of the peer.
    pub address: Option<IpAddr>,
    /// What it may do.
    pub scopes: Scopes,
}

impl Caller {
    /// Whether it comes from elsewhere: with a token, or not from an address of this machine.
    pub fn is_remote(&self) -> bool {
        let is_local = self.address.is_some_and(|address| address.to_canonical().is_loopback());
        self.token.is_some() || !is_local
    }

    /// Refuses a caller that may not use what was approved.
    pub(crate) fn check_call(&self) -> Result<()> {
        if self.scopes.call {
            return Ok(());
        }
        Err(Error::Denied("this token has no `call` scope".to_owned()))
    }
}

/// Who did something and from where, as the audit log names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person, the caller, or what part of the program acted by a rule.
    pub name: String,
    /// The address that it came from; none for the command line and for rules.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// Somebody without an address: the command line, or a rule that a person has set.
    pub fn local(name: &str) -> Self {
        Self { name: name.to_owned(), address: None }
    }
}

impl From<&Admin> for Actor {
    fn from(admin: &Admin) -> Self {
        Self { name: admin.username.clone(), address: admin.address }
    }
}

impl From<&Who> for Actor {
    fn from(who: &Who) -> Self {
        let address = match who {
            Who::Admin(admin) => admin.address,
            Who::Caller(caller) => caller.address,
        };
        Self { name: who.to_string(), address }
    }
}

/// Who asks, for the verbs that both doors offer.
#[derive(Debug, Clone)]
pub enum Who {
    /// A person.
    Admin(Admin),
    /// A model's client.
    Caller(Caller),
}

impl Who {
    /// Whether a signed-in person asks.
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Admin(_))
    }
}

impl Who {
    /// Who may read what a call of this one leaves behind: of callers, those with the same token;
    /// without tokens all are the same.
    pub(crate) fn owner(&self) -> String {
        match self {
            Self::Admin(admin) => format!("person:{}", admin.username),
            Self::Caller(Caller { token: Some(token), .. }) => format!("token:{token}"),
            Self::Caller(_) => "local".to_owned(),
        }
    }
}

impl From<Admin> for Who {
    fn from(admin: Admin) -> Self {
        Self::Admin(admin)
    }
}

impl From<Caller> for Who {
    fn from(caller: Caller) -> Self {
        Self::Caller(caller)
    }
}

impl fmt::Display for Caller {
    /// The token's name; without one the client's name and the address.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(token) = &self.token {
            return out.write_str(token);
        }
        let client = self.client.as_deref().unwrap_or("unnamed client");
        match self.address {
            Some(address) => write!(out, "{client} at {address}"),
            None => out.write_str(client),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin(admin) => out.write_str(&admin.username),
            Self::Caller(caller) => caller.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_named_by_its_token_else_by_client_and_address() {
        let mut caller = Caller {
            token: None,
            client: Some("desktop 1.2".to_owned()),
            address: Some(IpAddr::from([127, 0, 0, 1])),
            scopes: Scopes::ALL,
        };
        assert_eq!(caller.to_string(), "desktop 1.2 at 127.0.0.1");
        assert_eq!(Who::from(caller.clone()).owner(), "local");
        caller.token = Some("laptop".to_owned());
        assert_eq!(caller.to_string(), "laptop");
        assert_eq!(Who::from(caller).owner(), "token:laptop");
    }
}
