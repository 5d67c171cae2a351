//! `mcpbox keys`: replaces the master key and what values are sealed with.

use std::path::Path;

use anyhow::bail;
use app::keys::{Keys, Role, Rotated, Status};

use crate::arguments::{self, KeysAction};
use crate::lock::Lock;
use crate::{logging, serve};

/// The lock that commands hold which change keys.
const LOCK: &str = "keys";

/// Runs the command on the database of the settings; running servers go on meanwhile.
pub(crate) async fn run(settings: arguments::Keys) -> anyhow::Result<()> {
    let arguments::Keys { common, action } = settings;
    logging::start(if common.log == "info" { "warn" } else { &common.log })?;
    serve::make_data_dir(&common.data_dir)?;
    let _alone = match action {
        KeysAction::Status => None,
        _ => Some(alone(&common.data_dir)?),
    };
    let (url, key) = (common.database_url.as_deref(), common.encryption_key.as_deref());
    let keys = Keys::open(&common.data_dir, url, key).await?;
    let done = act(&keys, action).await;
    keys.close().await;
    done
}

/// Keeps other commands that change the keys of a data directory away: one that gives up what another
/// goes on with would leave neither key.
fn alone(data_dir: &Path) -> anyhow::Result<Lock> {
    if let Some(holder) = Lock::holder(data_dir, LOCK) {
        bail!("{holder} is changing the keys of this data directory; wait until it ends");
    }
    Lock::take(data_dir, LOCK, "mcpbox keys")
}

async fn act(keys: &Keys, action: KeysAction) -> anyhow::Result<()> {
    match action {
        KeysAction::Rotate { new_encryption_key } => {
            tell(&keys.rotate(new_encryption_key.as_deref()).await?);
        }
        KeysAction::Finish => tell(&keys.finish().await?),
        KeysAction::Cancel => {
            keys.cancel().await?;
            println!("The rotation is given up. The master key is the one that it was.");
        }
        KeysAction::Status => {
            for line in lines(&keys.status().await?) {
                println!("{line}");
            }
        }
    }
    Ok(())
}

fn tell(rotated: &Rotated) {
    println!("{} value(s) sealed anew.", rotated.resealed);
    for damaged in &rotated.damaged {
        println!("Damaged: {damaged} does not open with its key. Set it again.");
    }
    if rotated.is_finished {
        println!("The new master key is in use; the old one opens nothing any more.");
        println!("Next: keep a copy of the new key with your backups of the database.");
    } else {
        println!("Both master keys are good now.");
        println!(
            "Next: set MCPBOX_ENCRYPTION_KEY to the new one, start everything again, then run `mcpbox keys finish` with it."
        );
    }
}

fn lines(status: &Status) -> Vec<String> {
    let role = match status.role {
        Some(Role::Current) => "in use",
        Some(Role::Next) => "the new one of a rotation",
        None => "does not fit",
    };
    let rotation = match (status.is_rotating, status.is_file, status.older) {
        (false, _, _) => "none".to_owned(),
        (true, _, older) if older > 0 => format!(
            "on its way: {older} of {} value(s) are sealed with an older data key; go on with `mcpbox keys rotate`",
            status.values
        ),
        (true, true, _) => {
            "on its way: all values are sealed anew; go on with `mcpbox keys rotate`, or, where the new key was given, end it with `mcpbox keys finish`".to_owned()
        }
        (true, false, _) => {
            "on its way: all values are sealed anew; once everything runs with the new key, end it with `mcpbox keys finish`".to_owned()
        }
    };
    vec![
        format!("master key     {} ({role})", status.source),
        format!("data key       generation {}", status.generation),
        format!("sealed values  {}", status.values),
        format!("rotation       {rotation}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_how_to_go_on() {
        let idle = Status {
            source: "MCPBOX_ENCRYPTION_KEY".to_owned(),
            is_file: false,
            role: Some(Role::Current),
            is_rotating: false,
            generation: 3,
            values: 40,
            older: 0,
        };
        let text = |status: &Status| lines(status).join("\n");
        assert!(text(&idle).contains("MCPBOX_ENCRYPTION_KEY (in use)"), "{}", text(&idle));
        assert!(text(&idle).ends_with("rotation       none"), "{}", text(&idle));
        let begun = Status { is_rotating: true, older: 12, ..idle.clone() };
        assert!(text(&begun).contains("12 of 40") && text(&begun).contains("keys rotate"));
        let sealed = Status { is_rotating: true, ..idle };
        assert!(text(&sealed).contains("mcpbox keys finish"), "{}", text(&sealed));
    }
}
