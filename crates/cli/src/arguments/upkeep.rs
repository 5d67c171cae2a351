//! The settings of the commands that look after tokens and keys.

use clap::{Args, Command, Subcommand};

use super::Common;

/// The commands that run no tool and open no door, and what of the settings they use. The others
/// are taken, because one file of variables serves all commands, and mean nothing.
const COMMANDS: [(&str, &[&str]); 3] = [
    ("tokens", &["data_dir", "database_url", "log"]),
    ("audit", &["data_dir", "database_url", "log"]),
    ("keys", &["data_dir", "database_url", "encryption_key", "log"]),
];

/// Leaves out of the help of these commands what means nothing there.
pub(super) fn with_short_help(mut command: Command) -> Command {
    for (name, used) in COMMANDS {
        command = command.mut_subcommand(name, |command| {
            command.mut_args(|argument| {
                let is_idle =
                    argument.is_global_set() && !used.contains(&argument.get_id().as_str());
                argument.hide(is_idle)
            })
        });
    }
    command
}

/// Settings of `mcpbox tokens`.
#[derive(Debug, Args)]
pub(crate) struct Tokens {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token and print it, this once, on standard output.
    Create {
        /// The caller's name in the logs.
        name: String,
        /// What the caller may do: `call` approved tools, `author` new ones; comma-separated.
        #[arg(long, value_delimiter = ',', default_value = "call", value_parser = ["call", "author"])]
        scopes: Vec<String>,
        /// Days until the token ends; never when absent.
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// List all tokens.
    List,
    /// End a token at once.
    Revoke {
        /// The token's name.
        name: String,
    },
}

/// Settings of `mcpbox keys`.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) action: KeysAction,
}

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make a new master key and a new data key and seal every value anew. Running programs go on. What
    /// was interrupted is gone on with by the same command.
    ///
    /// A key in the file `key` of the data directory is replaced there. Where the key comes from
    /// `MCPBOX_ENCRYPTION_KEY`, or is to come from there, give the new one by
    /// `MCPBOX_NEW_ENCRYPTION_KEY`: old and new are good until `mcpbox keys finish`.
    Rotate {
        /// The new master key, 64 hexadecimal digits. Better given by the environment than by the
        /// flag.
        #[arg(long, env = "MCPBOX_NEW_ENCRYPTION_KEY", value_name = "HEX", hide_env_values = true)]
        new_encryption_key: Option<String>,
    },
    /// End the old master key, once everything was started again with the new one as
    /// `MCPBOX_ENCRYPTION_KEY`, this command too.
    Finish,
    /// Give up a rotation that is on its way: the new master key opens nothing any more.
    Cancel,
    /// Tell which keys there are, and how far a rotation is.
    Status,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::super::Arguments;
    use super::*;

    fn help(words: &[&str]) -> String {
        let command = with_short_help(Arguments::command());
        let words = ["mcpbox"].iter().chain(words).chain(&["--help"]);
        command.try_get_matches_from(words).expect_err("the help").to_string()
    }

    #[test]
    fn the_help_of_upkeep_tells_what_it_uses_and_that_of_serve_everything() {
        for words in [&["tokens"][..], &["tokens", "create"], &["audit", "verify"], &["keys"]] {
            let help = help(words);
            for used in ["--data-dir", "--database-url", "--log"] {
                assert!(help.contains(used), "{words:?}: {used}");
            }
            for idle in ["--workers", "--memory-reset", "--call-memory", "--dns-server"] {
                assert!(!help.contains(idle), "{words:?}: {idle}");
            }
            assert_eq!(help.contains("--encryption-key"), words == ["keys"], "{words:?}");
        }
        let help = help(&["serve"]);
        assert!(help.contains("--workers") && help.contains("--dns-server"));
        assert!(help.contains("--encryption-key"));
    }

    #[test]
    fn what_is_left_out_of_the_help_is_taken_all_the_same() {
        let command = with_short_help(Arguments::command());
        let words = ["mcpbox", "tokens", "--workers", "2", "list"];
        let matches = command.try_get_matches_from(words).expect("it is taken");
        assert!(Arguments::from_arg_matches(&matches).is_ok());
    }
}
