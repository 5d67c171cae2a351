//! Limits that flags and variables fix, in the place of what people set in the pages.

use app::policy::Fixed;
use clap::Args;

/// How often callers may ask, and how long the log is kept.
#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// Requests a minute that each caller of /mcp may make, 10 to 10000, or 0 for no limit. Fixes
    /// the setting `mcp_rate_limit_rpm`, 300 from the start; give it to each process.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_MCP_RATE_LIMIT_RPM",
        value_name = "NUMBER",
        value_parser = rate
    )]
    mcp_rate_limit_rpm: Option<u32>,
    /// Calls a minute that each caller of /mcp may make of one tool, 10 to 10000, or 0 for no limit
    /// but the one above. Fixes the setting `tool_rate_limit_rpm`, 0 from the start; give it to each
    /// process.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_TOOL_RATE_LIMIT_RPM",
        value_name = "NUMBER",
        value_parser = rate
    )]
    tool_rate_limit_rpm: Option<u32>,
    /// Requests a minute that each person may make to the JSON API (/api and /auth), 10 to 10000, or 0
    /// for no limit. Pages have none.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_API_RATE_LIMIT_RPM",
        value_name = "NUMBER",
        default_value = "100",
        value_parser = rate
    )]
    pub(crate) api_rate_limit_rpm: u32,
    /// Days after which calls are removed from the execution log. Fixes the setting
    /// `log_retention_days`, 30 from the start; give it to each process.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_LOG_RETENTION_DAYS",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=3650)
    )]
    log_retention_days: Option<u32>,
}

impl Limits {
    /// What nobody can set in the pages then.
    pub(crate) fn fixed(&self) -> Fixed {
        Fixed {
            log_retention_days: self.log_retention_days,
            mcp_rate_limit_rpm: self.mcp_rate_limit_rpm,
            tool_rate_limit_rpm: self.tool_rate_limit_rpm,
        }
    }
}

fn rate(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number @ (0 | 10..=10_000)) => Ok(number),
        _ => Err("expected a whole number from 10 to 10000, or 0 for no limit".to_owned()),
    }
}
