//! Who may reach what: one rule for tools, one for external sources, one for the operator.

mod names;

use crate::address::{Class, classify};
use crate::grant::Grant;
use crate::host::Host;
use std::net::IpAddr;

/// On whose behalf a request is made, and what was allowed to them.
#[derive(Debug, Clone)]
pub enum Policy {
    /// The code of a tool: hosts that it declares and a person allowed for its server, on the
    /// internet or on a private network.
    Tool {
        /// What it declares and was allowed for the server.
        grants: Vec<Grant>,
        /// What was allowed for the server and it does not declare.
        undeclared: Vec<Grant>,
        /// What needs nobody's approval, as long as it is on the internet.
        public: Public,
    },
    /// An external source: as a tool, and this machine where the operator switched that on.
    Source {
        /// What was allowed for the source.
        grants: Vec<Grant>,
        /// Whether a grant may name this machine.
        allow_loopback: bool,
    },
    /// What the operator configured: used as given, wherever that is.
    Operator,
    /// What an answer of that leads to: hosts on the internet.
    Linked,
}

/// Hosts that a tool may reach without anybody's approval.
#[derive(Debug, Clone)]
pub enum Public {
    /// None.
    Nothing,
    /// Those of the internet that it declares.
    Declared(Vec<Grant>),
    /// Every one.
    Every,
}

impl Public {
    fn has(&self, host: &Host, port: u16) -> bool {
        match self {
            Self::Nothing => false,
            Self::Declared(grants) => matches(grants, host, port),
            Self::Every => true,
        }
    }
}

impl Public {
    /// Whether a host would be reached if it were declared.
    fn would_have(&self, host: &Host) -> bool {
        matches!(self, Self::Declared(_)) && Reach::Public.check_host(host).is_ok()
    }
}

/// How far the connections of a policy may go, whatever is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// Public and private addresses.
    Network,
    /// These, and this machine.
    NetworkAndLoopback,
    /// Every address.
    Everything,
}

/// Why a host is not reached. The texts are shown to models and name no address of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody allowed it for this server yet.
    #[error(
        "'{host}' (port {port}) is not approved for this server: ask for it with \
         mcpbox_request_network_access (host '{host}', port {port}), a person then decides"
    )]
    NotApproved {
        /// What was to be reached.
        host: Host,
        /// The port of it.
        port: u16,
    },
    /// It was allowed for this server, and this revision of the tool does not declare it.
    #[error(
        "'{host}' (port {port}) is not declared by this version of the tool: add the line \
         `# mcpbox: hosts={}` at its top, save and file it again", declaration(host, *port)
    )]
    NotDeclared {
        /// What was to be reached.
        host: Host,
        /// The port of it.
        port: u16,
    },
    /// Nobody allowed it for this source.
    #[error("'{host}' (port {port}) is not what was approved as the address of this source")]
    NotTheSource {
        /// What was to be reached.
        host: Host,
        /// The port of it.
        port: u16,
    },
    /// Somebody's answer leads there, and it is not on the internet.
    #[error("'{host}' is refused: it is a {class} address, to which no link may lead")]
    NotPublic {
        /// What was to be reached.
        host: Host,
        /// Of what kind it is.
        class: Class,
    },
    /// Its name or its address is of a kind that nobody can allow.
    #[error("'{host}' is refused: it is a {class} address, which no approval can allow")]
    Special {
        /// What was to be reached.
        host: Host,
        /// Of what kind it is.
        class: Class,
    },
}

impl Policy {
    /// Decides on a host before its name is resolved.
    pub fn check_host(&self, host: &Host, port: u16) -> Result<(), Refusal> {
        let granted = |grants: &[Grant]| matches(grants, host, port);
        self.reach(host, port).check_host(host)?;
        match self {
            Self::Tool { grants, undeclared, public } => {
                if granted(grants) || public.has(host, port) {
                    Ok(())
                } else if granted(undeclared) || public.would_have(host) {
                    Err(Refusal::NotDeclared { host: host.clone(), port })
                } else {
                    Err(Refusal::NotApproved { host: host.clone(), port })
                }
            }
            Self::Source { grants, .. } if !granted(grants) => {
                Err(Refusal::NotTheSource { host: host.clone(), port })
            }
            Self::Source { .. } | Self::Operator | Self::Linked => Ok(()),
        }
    }

    /// How far connections to a host may go.
    pub fn reach(&self, host: &Host, port: u16) -> Reach {
        match self {
            // What no person has named is not to lead into a private network.
            Self::Tool { grants, public, .. }
                if !matches(grants, host, port) && public.has(host, port) =>
            {
                Reach::Public
            }
            Self::Tool { .. } | Self::Source { allow_loopback: false, .. } => Reach::Network,
            Self::Source { allow_loopback: true, .. } => Reach::NetworkAndLoopback,
            Self::Operator => Reach::Everything,
            Self::Linked => Reach::Public,
        }
    }
}

impl Reach {
    /// Decides on a host by its name or by its address, where it is one: what fails here is not
    /// worth asking a person for.
    pub fn check_host(self, host: &Host) -> Result<(), Refusal> {
        let class = match host {
            Host::Name(name) => names::class_of(name),
            Host::Address(address) => classify(*address),
        };
        self.check_class(host, class)
    }

    /// Decides on all addresses that `host` resolved to: one that is special refuses them all, for
    /// an answer that mixes such with others is not an honest one.
    pub fn check_addresses(self, host: &Host, addresses: &[IpAddr]) -> Result<(), Refusal> {
        addresses.iter().try_for_each(|address| self.check_class(host, classify(*address)))
    }

    fn check_class(self, host: &Host, class: Class) -> Result<(), Refusal> {
        if self == Self::Public && class != Class::Public {
            return Err(Refusal::NotPublic { host: host.clone(), class });
        }
        let reached = match class {
            Class::Public | Class::Private => true,
            Class::Loopback => self != Self::Network,
            Class::LinkLocal | Class::Metadata | Class::Reserved => self == Self::Everything,
        };
        if reached { Ok(()) } else { Err(Refusal::Special { host: host.clone(), class }) }
    }
}

fn matches(grants: &[Grant], host: &Host, port: u16) -> bool {
    grants.iter().any(|grant| grant.matches(host, port))
}

/// A host as the header of a tool's source declares it; the usual ports need not be named.
fn declaration(host: &Host, port: u16) -> String {
    match port {
        80 | 443 => host.to_string(),
        port => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Policy, Public, Reach, Refusal};
    use crate::address::Class;
    use crate::host::{Host, parse};
    use std::net::IpAddr;

    fn tool(grants: &[&str]) -> Policy {
        of_tool(grants, &[], &[])
    }

    fn of_tool(grants: &[&str], undeclared: &[&str], public: &[&str]) -> Policy {
        let read =
            |grants: &[&str]| grants.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        Policy::Tool {
            grants: read(grants),
            undeclared: read(undeclared),
            public: if public.is_empty() {
                Public::Nothing
            } else {
                Public::Declared(read(public))
            },
        }
    }

    fn source(grants: &[&str], allow_loopback: bool) -> Policy {
        let grants = grants.iter().map(|text| text.parse().unwrap()).collect();
        Policy::Source { grants, allow_loopback }
    }

    fn host(text: &str) -> Host {
        parse(text).unwrap()
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn special(result: &Result<(), Refusal>) -> Option<Class> {
        match result {
            Err(Refusal::Special { class, .. }) => Some(*class),
            _ => None,
        }
    }

    #[test]
    fn a_tool_reaches_what_was_granted_and_nothing_by_default() {
        let policy = tool(&["api.example.com", "192.168.7.1:8123", "nas.local"]);
        for (text, port) in [("API.example.com.", 443), ("192.168.7.1", 8123), ("nas.local", 80)] {
            assert_eq!(policy.check_host(&host(text), port), Ok(()), "{text}");
        }
        for (text, port) in [("example.com", 443), ("192.168.7.1", 80), ("192.168.7.2", 8123)] {
            let refused = Refusal::NotApproved { host: host(text), port };
            assert_eq!(policy.check_host(&host(text), port), Err(refused), "{text}");
        }
        assert!(tool(&[]).check_host(&host("api.example.com"), 443).is_err());
    }

    #[test]
    fn a_refusal_names_what_to_ask_for() {
        let text = tool(&[]).check_host(&host("api.example.com"), 8443).unwrap_err().to_string();
        for part in ["api.example.com", "8443", "mcpbox_request_network_access"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_host_that_a_tool_does_not_declare_is_refused_with_the_line_to_add() {
        let policy = of_tool(&["a.example"], &["b.example", "c.example:8443"], &[]);
        assert_eq!(policy.check_host(&host("a.example"), 443), Ok(()));
        for (text, port, line) in [
            ("b.example", 443, "`# mcpbox: hosts=b.example`"),
            ("c.example", 8443, "`# mcpbox: hosts=c.example:8443`"),
        ] {
            let refused = policy.check_host(&host(text), port).unwrap_err();
            assert_eq!(refused, Refusal::NotDeclared { host: host(text), port });
            assert!(refused.to_string().contains(line), "{refused}");
        }
        let other = policy.check_host(&host("c.example"), 443).unwrap_err();
        assert!(matches!(other, Refusal::NotApproved { .. }), "{other}");
    }

    #[test]
    fn what_needs_nobodys_approval_is_on_the_internet() {
        let policy = of_tool(&["nas.local"], &[], &["api.example.com", "192.168.7.1", "nas.local"]);
        assert_eq!(policy.check_host(&host("api.example.com"), 443), Ok(()));
        assert_eq!(policy.reach(&host("api.example.com"), 443), Reach::Public);
        let private = policy.check_host(&host("192.168.7.1"), 80).unwrap_err();
        assert!(matches!(private, Refusal::NotPublic { .. }), "{private}");
        assert_eq!(policy.reach(&host("nas.local"), 80), Reach::Network, "a person named it");
        let undeclared = policy.check_host(&host("other.example.com"), 443).unwrap_err();
        assert!(matches!(undeclared, Refusal::NotDeclared { .. }), "{undeclared}");
    }

    #[test]
    fn special_hosts_are_refused_to_a_tool_even_when_they_were_granted() {
        for (text, class) in [
            ("localhost", Class::Loopback),
            ("LOCALHOST.", Class::Loopback),
            ("api.localhost", Class::Loopback),
            ("localhost.localdomain", Class::Loopback),
            ("ip6-localhost", Class::Loopback),
            ("ip6-loopback", Class::Loopback),
            ("127.0.0.1", Class::Loopback),
            ("0x7f.1", Class::Loopback),
            ("::1", Class::Loopback),
            ("[::ffff:127.0.0.1]", Class::Loopback),
            ("0", Class::Reserved),
            ("0.0.0.0", Class::Reserved),
            ("169.254.1.1", Class::LinkLocal),
            ("169.254.169.255", Class::LinkLocal),
            ("fe80::1", Class::LinkLocal),
            ("169.254.169.254", Class::Metadata),
            ("0xa9fea9fe", Class::Metadata),
            ("100.100.100.200", Class::Metadata),
            ("168.63.129.16", Class::Metadata),
            ("192.0.0.192", Class::Metadata),
            ("fd00:ec2::254", Class::Metadata),
            ("metadata.google.internal", Class::Metadata),
            ("Metadata.Google.Internal.", Class::Metadata),
            ("metadata.gke.internal", Class::Metadata),
            ("metadata.aws.internal", Class::Metadata),
            ("metadata.azure.com", Class::Metadata),
            ("instance-data.ec2.internal", Class::Metadata),
            ("kubernetes", Class::Metadata),
            ("kubernetes.default", Class::Metadata),
            ("kubernetes.default.svc", Class::Metadata),
            ("kubernetes.default.svc.cluster.local", Class::Metadata),
            ("224.0.0.1", Class::Reserved),
            ("64:ff9b::c0a8:701", Class::Reserved),
        ] {
            let result = tool(&[text]).check_host(&host(text), 80);
            assert_eq!(special(&result), Some(class), "{text}: {result:?}");
            assert_eq!(Policy::Operator.check_host(&host(text), 80), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_source_reaches_this_machine_only_when_that_is_granted_and_switched_on() {
        for text in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!(source(&[text], true).check_host(&host(text), 80), Ok(()), "{text}");
            let off = source(&[text], false).check_host(&host(text), 80);
            assert_eq!(special(&off), Some(Class::Loopback), "{text}");
            let refused = Refusal::NotTheSource { host: host(text), port: 80 };
            assert_eq!(source(&[], true).check_host(&host(text), 80), Err(refused), "{text}");
        }
        for text in ["169.254.169.254", "kubernetes", "0.0.0.0", "fe80::1"] {
            let result = source(&[text], true).check_host(&host(text), 80);
            assert!(special(&result).is_some(), "{text}");
        }
    }

    #[test]
    fn one_special_answer_refuses_them_all() {
        let name = host("api.example.com");
        let honest = addresses(&["93.184.216.34", "192.168.7.1", "2606:4700::1111", "fd00::1"]);
        assert_eq!(Reach::Network.check_addresses(&name, &honest), Ok(()));
        for (text, class) in [
            ("127.0.0.1", Class::Loopback),
            ("::ffff:127.0.0.1", Class::Loopback),
            ("169.254.169.254", Class::Metadata),
            ("fe80::1", Class::LinkLocal),
            ("0.0.0.0", Class::Reserved),
            ("2002:7f00:1::1", Class::Reserved),
        ] {
            let mixed = [honest.clone(), addresses(&[text])].concat();
            let result = Reach::Network.check_addresses(&name, &mixed);
            assert_eq!(special(&result), Some(class), "{text}");
            assert!(!result.unwrap_err().to_string().contains(text), "the text gives {text} away");
            assert_eq!(Reach::Everything.check_addresses(&name, &mixed), Ok(()), "{text}");
        }
        let loopback = addresses(&["127.0.0.1", "::1"]);
        assert_eq!(Reach::NetworkAndLoopback.check_addresses(&name, &loopback), Ok(()));
    }
}
