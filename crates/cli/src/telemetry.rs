//! What the program tells about itself to other programs, as flags and variables say it.

use std::net::SocketAddr;

use app::trace::Settings;
use clap::Args;

/// Below the endpoint, the place that takes traces.
const TRACES: &str = "v1/traces";

/// Traces and metrics.
#[derive(Debug, Args)]
pub(crate) struct Telemetry {
    /// A collector of OpenTelemetry that traces of calls are sent to by OTLP over HTTP (protobuf),
    /// such as `http://127.0.0.1:4318`; used as given, in a private network too. The standard
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` and its relatives are read where this is absent.
    #[arg(long, global = true, env = "MCPBOX_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Send `traceparent` with the requests of tools, so that the hosts they ask see which trace each
    /// belongs to. Without it they are told nothing that the tool did not write.
    #[arg(long, global = true, env = "MCPBOX_TRACE_OUTBOUND")]
    trace_outbound: bool,
    /// A token by which Prometheus may read `/metrics`, sent as `Authorization: Bearer`; at least 16
    /// characters. Without it, only people who are signed in may. Better given by the environment
    /// than by the flag.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_METRICS_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        value_parser = long_enough
    )]
    pub(crate) metrics_token: Option<String>,
    /// One more address to listen on, for `/metrics` alone; the way to the metrics of
    /// `mcpbox gateway`. On any address but loopback a token is required.
    #[arg(long, global = true, env = "MCPBOX_METRICS_LISTEN", value_name = "ADDR")]
    pub(crate) metrics_listen: Option<SocketAddr>,
}

impl Telemetry {
    /// Where traces go.
    pub(crate) fn traces(&self) -> Settings {
        self.traces_with(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn traces_with(&self, variable: impl Fn(&str) -> Option<String>) -> Settings {
        let below = |base: String| format!("{}/{TRACES}", base.trim_end_matches('/'));
        let standard = || {
            let whole = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
            whole.or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(below))
        };
        let is_off = variable("OTEL_SDK_DISABLED").is_some_and(|value| value == "true");
        let traces_url = self.otlp_endpoint.clone().map(below).or_else(standard);
        let named = variable("OTEL_RESOURCE_ATTRIBUTES")
            .is_some_and(|attributes| attributes.contains("service.name="));
        let service_name = match variable("OTEL_SERVICE_NAME") {
            Some(name) => Some(name),
            None => (!named).then(|| "mcpbox".to_owned()),
        };
        Settings {
            traces_url: traces_url.filter(|_| !is_off),
            service_name,
            tell_hosts: self.trace_outbound,
        }
    }
}

fn long_enough(token: &str) -> Result<String, String> {
    if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("expected at least 16 printable ASCII characters without spaces".to_owned());
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(flag: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let telemetry = Telemetry {
            otlp_endpoint: flag.map(str::to_owned),
            trace_outbound: false,
            metrics_token: None,
            metrics_listen: None,
        };
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        telemetry.traces_with(variable).traces_url
    }

    #[test]
    fn the_flag_goes_before_the_standard_variables_and_without_both_nothing_is_sent() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a.lan:4318/");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b.lan/in");
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(None, &[general]).as_deref(), Some("http://a.lan:4318/v1/traces"));
        assert_eq!(url(None, &[general, own]).as_deref(), Some("http://b.lan/in"));
        let flag = url(Some("http://c.lan:4318"), &[general, own]);
        assert_eq!(flag.as_deref(), Some("http://c.lan:4318/v1/traces"));
        assert_eq!(url(None, &[general, ("OTEL_SDK_DISABLED", "true")]), None);
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused() {
        assert!(long_enough("0123456789abcdef").is_ok());
        assert!(long_enough("0123456789abcde").is_err());
        assert!(long_enough("0123456789abcdef ").is_err());
    }
}
