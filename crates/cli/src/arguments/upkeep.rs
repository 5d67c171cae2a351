//! The settings of the commands that look after tokens and keys.

use clap::{Args, Subcommand};

use super::Common;

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
