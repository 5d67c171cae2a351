//! The commands and their settings; each flag has an environment variable.

mod upkeep;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use app::settings::MemoryReset;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use url::Url;

pub(crate) use self::upkeep::{Keys, KeysAction, TokenAction, Tokens};
use crate::addresses::{self, Addresses};
use crate::audit::Audit;
use crate::configuration::Configured;
use crate::limits::Limits;
use crate::outside::Outside;
use crate::sources::Sources;
use crate::stdio::Stdio;
use crate::telemetry::Telemetry;

/// A self-hosted forge in which language models make their own tools and people approve them.
#[derive(Debug, Parser)]
#[command(name = "mcpbox", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Reads flags and variables; ends the program where they are wrong or help is asked for.
    pub(crate) fn read() -> Self {
        let command = upkeep::with_short_help(Self::command());
        let matches = without_empty_variables(command).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// A variable that is set to nothing counts as absent: that is how a file of settings leaves it open.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| {
        let value = argument.get_env().and_then(std::env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            argument.env(None::<&str>)
        } else {
            argument
        }
    });
    command.mut_subcommands(without_empty_variables)
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run both doors in one process: the pages for people and /mcp for clients.
    Serve(Serve),
    /// Run only the admin door: pages and JSON API.
    Admin(Admin),
    /// Run only the MCP door: /mcp.
    Gateway(Gateway),
    /// Make, list and revoke the bearer tokens of MCP callers.
    Tokens(Tokens),
    /// Check and export the audit log: who decided and changed what.
    Audit(Audit),
    /// Replace the master key and what values of secrets are sealed with, while everything runs.
    Keys(Keys),
    /// List, connect and disconnect external sources: the MCP servers of others.
    Sources(Sources),
    /// Connect a client that only starts programs: its pipes with the MCP door of a running mcpbox.
    Stdio(Stdio),
    /// Try what the program needs (database, key, sandbox, listeners) and say what to mend.
    Doctor(Doctor),
}

/// Where the state lives and how the sandbox runs.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The directory of the state: database, unpacked guest, lock files. Made if missing.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub(crate) data_dir: PathBuf,
    /// A PostgreSQL database, `postgres://user:password@host/name`. SQLite in the data directory
    /// when absent.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
    /// The master key that secrets are sealed with, 64 hexadecimal digits; the same for all
    /// replicas. Better given by the environment than by the flag. Without it, a key is made once and
    /// kept in the file `key` of the data directory.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_ENCRYPTION_KEY",
        value_name = "HEX",
        hide_env_values = true
    )]
    pub(crate) encryption_key: Option<String>,
    /// What to log: error, warn, info, debug, trace, or a filter such as `info,app=debug`.
    #[arg(long, global = true, env = "MCPBOX_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,
    /// Worker processes that run tools; one per processor when absent.
    #[arg(long, global = true, env = "MCPBOX_WORKERS", value_name = "NUMBER", value_parser = whole(1..=256))]
    pub(crate) workers: Option<usize>,
    /// How the memory of one call is made new for the next: `auto` takes the fastest of
    /// `userfaultfd`, `pagemap-scan`, `pagemap`, `drop` and `pool` that works here; `drop` never
    /// uses a page of memory twice.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_MEMORY_RESET",
        value_name = "WAY",
        default_value = "auto"
    )]
    pub(crate) memory_reset: MemoryReset,
    /// Refuse to start where the kernel does not offer every wall round the workers: Landlock,
    /// seccomp and the rest that `/health` lists.
    #[arg(long, global = true, env = "MCPBOX_REQUIRE_SANDBOX_WALLS")]
    pub(crate) require_sandbox_walls: bool,
    /// Calls after which a worker process is replaced by a new one; never when absent.
    #[arg(long, global = true, env = "MCPBOX_CALLS_PER_WORKER", value_name = "NUMBER")]
    pub(crate) calls_per_worker: Option<NonZeroU64>,
    /// Hours for which results too large for their answers are kept as artifacts.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_ARTIFACT_HOURS",
        value_name = "HOURS",
        default_value = "24",
        value_parser = clap::value_parser!(u64).range(1..=8760)
    )]
    pub(crate) artifact_hours: u64,
    /// Megabytes that artifacts have together at most; the oldest make room for new ones.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_ARTIFACT_MEGABYTES",
        value_name = "MB",
        default_value = "1024",
        value_parser = clap::value_parser!(u64).range(32..=1_048_576)
    )]
    pub(crate) artifact_megabytes: u64,
    /// Calls that run at once; those of tests and of inspections count too. At most 512 for each
    /// worker.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_MAX_CALLS",
        value_name = "NUMBER",
        default_value = "512",
        value_parser = whole(1..=131_072)
    )]
    pub(crate) max_calls: usize,
    /// Calls of one server's tools that run at once.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_MAX_CALLS_PER_SERVER",
        value_name = "NUMBER",
        default_value = "512",
        value_parser = whole(1..=131_072)
    )]
    pub(crate) max_calls_per_server: usize,
    /// Calls that wait for a place, up to ten seconds each; one more is answered "busy" at once.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_MAX_WAITING_CALLS",
        value_name = "NUMBER",
        default_value = "1024",
        value_parser = whole(0..=1_000_000)
    )]
    pub(crate) max_waiting_calls: usize,
    /// Megabytes of memory that all calls may hold together, divided evenly among the workers; half
    /// of the machine's memory, or of the container's, when absent. At least 32 for each worker.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_CALL_MEMORY",
        value_name = "MB",
        value_parser = whole(32..=16_777_216)
    )]
    pub(crate) call_memory: Option<usize>,
    /// Seconds for which calls may go on after a signal to end; a second signal ends them at once.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_SHUTDOWN_SECONDS",
        value_name = "SECONDS",
        default_value = "30",
        value_parser = clap::value_parser!(u64).range(0..=3600)
    )]
    pub(crate) shutdown_seconds: u64,
    #[command(flatten)]
    pub(crate) limits: Limits,
    #[command(flatten)]
    pub(crate) outside: Outside,
    #[command(flatten)]
    pub(crate) configured: Configured,
    #[command(flatten)]
    pub(crate) telemetry: Telemetry,
}

/// Reads a whole number of a range.
fn whole(range: RangeInclusive<usize>) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {} to {}", range.start(), range.end())),
    }
}

/// The admin door.
#[derive(Debug, Args)]
pub(crate) struct AdminDoor {
    /// Where people open the pages.
    #[arg(
        id = "admin_listen",
        long = "admin-listen",
        env = "MCPBOX_ADMIN_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:3000"
    )]
    pub(crate) listen: SocketAddr,
    /// Host names, besides loopback, under which browsers may open the pages; comma-separated.
    #[arg(
        id = "admin_allowed_hosts",
        long = "admin-allowed-hosts",
        env = "MCPBOX_ADMIN_ALLOWED_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ','
    )]
    pub(crate) allowed_hosts: Vec<String>,
    /// Name of the first account, made at start if there is none.
    #[arg(
        id = "admin_username",
        long = "admin-username",
        env = "MCPBOX_ADMIN_USERNAME",
        value_name = "NAME",
        requires = "admin_password"
    )]
    pub(crate) username: Option<String>,
    /// Password of the first account. Better given by the environment than by the flag.
    #[arg(
        id = "admin_password",
        long = "admin-password",
        env = "MCPBOX_ADMIN_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true,
        requires = "admin_username"
    )]
    pub(crate) password: Option<String>,
    /// Let programs of this machine register gateways (`/gateways`) without a token. A program that
    /// anybody runs here can then add external sources; their tools wait for review all the same.
    #[arg(
        id = "gateways_without_token",
        long = "gateways-without-token",
        env = "MCPBOX_GATEWAYS_WITHOUT_TOKEN"
    )]
    pub(crate) gateways_without_token: bool,
    /// Where browsers go on to that come back to `/callback` from a login which nobody began here, such as
    /// `http://localhost:8080/callback`: a program on this machine whose client is registered with the
    /// address of this door. Absent: they are told that nobody waits for it.
    #[arg(
        id = "login_relay",
        long = "login-relay",
        env = "MCPBOX_LOGIN_RELAY",
        value_name = "URL",
        value_parser = addresses::this_machine
    )]
    pub(crate) login_relay: Option<Url>,
}

/// The MCP door.
#[derive(Debug, Args)]
pub(crate) struct McpDoor {
    /// Where MCP clients connect; a token is required on any address but loopback.
    #[arg(
        id = "mcp_listen",
        long = "mcp-listen",
        env = "MCPBOX_MCP_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8002"
    )]
    pub(crate) listen: SocketAddr,
    /// Host names, besides loopback, under which clients may reach /mcp; comma-separated.
    #[arg(
        id = "mcp_allowed_hosts",
        long = "mcp-allowed-hosts",
        env = "MCPBOX_MCP_ALLOWED_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ','
    )]
    pub(crate) allowed_hosts: Vec<String>,
    /// Origins, besides loopback, of browser clients, such as `https://inspector.example`;
    /// comma-separated.
    #[arg(
        id = "mcp_allowed_origins",
        long = "mcp-allowed-origins",
        env = "MCPBOX_MCP_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ','
    )]
    pub(crate) allowed_origins: Vec<String>,
    /// Ask every caller for a token, on loopback too.
    #[arg(id = "mcp_require_token", long = "mcp-require-token", env = "MCPBOX_MCP_REQUIRE_TOKEN")]
    pub(crate) require_token: bool,
}

/// Settings of `mcpbox serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) admin: AdminDoor,
    #[command(flatten)]
    pub(crate) mcp: McpDoor,
    #[command(flatten)]
    pub(crate) addresses: Addresses,
}

/// Settings of `mcpbox admin`.
#[derive(Debug, Args)]
pub(crate) struct Admin {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) door: AdminDoor,
    #[command(flatten)]
    pub(crate) addresses: Addresses,
}

/// Settings of `mcpbox gateway`.
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) door: McpDoor,
    #[command(flatten)]
    pub(crate) addresses: Addresses,
}

/// Settings of `mcpbox doctor`: those of the program it is asked about.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Where people would open the pages.
    #[arg(
        long,
        env = "MCPBOX_ADMIN_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:3000"
    )]
    pub(crate) admin_listen: SocketAddr,
    /// Where MCP clients would connect.
    #[arg(long, env = "MCPBOX_MCP_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8002")]
    pub(crate) mcp_listen: SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_of_serve_has_a_variable_that_env_example_names() {
        let example = include_str!("../../../.env.example");
        let mut command = Arguments::command();
        command.build();
        for name in ["serve", "admin", "gateway"] {
            let found = command.find_subcommand(name).expect("a command of that name");
            for argument in found.get_arguments().filter(|argument| argument.get_id() != "help") {
                let variable = argument.get_env().expect("a variable").to_string_lossy();
                assert!(example.contains(&*variable), "{variable} is missing in .env.example");
            }
        }
        assert!(example.contains("MCPBOX_NEW_ENCRYPTION_KEY"));
    }
}
