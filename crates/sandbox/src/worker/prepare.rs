//! Making a set of packages: their files are compiled in one instance, and loaded in another one whose
//! memory is recorded.

use std::time::Duration;

use super::archive;
use super::call::Attempt;
use crate::memory::delta::{self, Delta};
use crate::outcome::FailureKind;
use crate::protocol::{CONTENT_MAX, Form, FromWorker, Reply};
use crate::text;

/// The most memory that a set may have to begin with: a call has 96 MB and more for itself.
const SNAPSHOT_MAX: usize = 160 << 20;

/// The processor time that each level of loading may take; of the files as well, to be compiled.
const LEVEL_CPU: Duration = Duration::from_secs(100);

/// The time that each level of loading may take, however little of it is the processor's.
const LEVEL_WALL: Duration = Duration::from_mins(3);

/// How much is loaded ahead. Where one does not work, the next is tried.
const LEVELS: [Level; 3] = [Level::Whole, Level::Tops, Level::Nothing];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The modules with all that is in them.
    Whole,
    /// The modules by themselves.
    Tops,
    /// None: a tool imports them itself.
    Nothing,
}

impl Attempt {
    /// Sends the content of the set, and answers with what there is to say of it.
    pub(super) async fn prepare(&self, modules: &[String]) -> Reply {
        match self.packed().await {
            Ok(parts) if self.guest().loads_ahead() => self.snapshot(&parts, modules).await,
            Ok(parts) => self.archive(&parts, modules).await,
            Err(reply) => reply,
        }
    }

    async fn packed(&self) -> Result<Vec<Vec<u8>>, Reply> {
        let mut store = self.store_for(LEVEL_CPU);
        let mut parts = Vec::new();
        let packing = async {
            let tool = self.guest().instance(&mut store, None).await?;
            loop {
                match tool.call_pack(&mut store).await? {
                    Ok(part) if part.is_empty() => return wasmtime::Result::Ok(Ok(())),
                    Ok(part) => parts.push(part),
                    Err(message) => return Ok(Err(message)),
                }
            }
        };
        match packing.await {
            Ok(Ok(())) => Ok(parts),
            Ok(Err(message)) => Err(Reply::Ended { kind: FailureKind::Exception, message }),
            Err(error) => Err(self.ended(&error, &store)),
        }
    }

    async fn snapshot(&self, parts: &[Vec<u8>], modules: &[String]) -> Reply {
        let mut fallen_back = None;
        for level in LEVELS {
            match self.loaded(parts, modules, level).await {
                Ok((report, delta)) => {
                    for (offset, bytes) in delta.runs() {
                        self.send_content(offset, bytes).await;
                    }
                    let bytes = delta.memory_bytes() as u64;
                    return Reply::Prepared { form: Form::Snapshot, bytes, report, fallen_back };
                }
                // Another level would do no better.
                Err(Reply::Ended { kind, message })
                    if level == Level::Nothing || kind == FailureKind::WallClock =>
                {
                    return Reply::Ended { kind, message };
                }
                Err(Reply::Ended { message, .. }) => fallen_back = Some(message),
                Err(reply) => return reply,
            }
        }
        let message = fallen_back.unwrap_or_default();
        Reply::Ended { kind: FailureKind::Trap, message }
    }

    /// What the guest says of the modules it has loaded, and the memory they are in.
    async fn loaded(
        &self,
        parts: &[Vec<u8>],
        modules: &[String],
        level: Level,
    ) -> Result<(String, Delta), Reply> {
        let mut store = self.store_for(LEVEL_CPU);
        let loading = async {
            let (tool, recording) = delta::recorded(self.guest().instance(&mut store, None)).await;
            let tool = tool?;
            for part in parts {
                tool.call_unpack(&mut store, part).await?;
            }
            let wanted = if level == Level::Nothing { &[] } else { modules };
            let report = tool.call_preload(&mut store, wanted, level == Level::Whole).await?;
            if store.data().holds_resources() {
                return Err(wasmtime::Error::msg("a resource is still open after loading them"));
            }
            wasmtime::Result::Ok((report, recording))
        };
        let (report, recording) = match tokio::time::timeout(LEVEL_WALL, loading).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(error)) => return Err(self.ended(&error, &store)),
            Err(_elapsed) => {
                let message =
                    format!("loading them takes more than {}", text::duration(LEVEL_WALL));
                return Err(Reply::Ended { kind: FailureKind::Cpu, message });
            }
        };
        let delta = recording.finish(store).map_err(|error| Reply::Ended {
            kind: FailureKind::Trap,
            message: error.to_string(),
        })?;
        if delta.memory_bytes() > SNAPSHOT_MAX {
            return Err(Reply::Ended {
                kind: FailureKind::Memory,
                message: format!(
                    "loaded, they take {} MB, and {} MB is the most",
                    delta.memory_bytes() >> 20,
                    SNAPSHOT_MAX >> 20
                ),
            });
        }
        Ok((report, delta))
    }

    /// Where memory cannot be recorded, the archive is the set; it is loaded once to see whether it works.
    async fn archive(&self, parts: &[Vec<u8>], modules: &[String]) -> Reply {
        let mut store = self.store_for(LEVEL_CPU);
        let tried = async {
            let tool = self.guest().instance(&mut store, None).await?;
            for part in parts {
                tool.call_unpack(&mut store, part).await?;
            }
            tool.call_preload(&mut store, modules, false).await
        };
        let (report, fallen_back) = match tried.await {
            Ok(report) => (report, None),
            Err(error) => match self.ended(&error, &store) {
                Reply::Ended { kind: FailureKind::Busy | FailureKind::WallClock, .. } => {
                    return self.ended(&error, &store);
                }
                Reply::Ended { message, .. } => ("{}".to_owned(), Some(message)),
                reply => return reply,
            },
        };
        let archive = archive::joined(parts);
        self.send_content(0, &archive).await;
        Reply::Prepared { form: Form::Archive, bytes: archive.len() as u64, report, fallen_back }
    }

    async fn send_content(&self, offset: usize, bytes: &[u8]) {
        for (number, part) in bytes.chunks(CONTENT_MAX).enumerate() {
            let offset = (offset + number * CONTENT_MAX) as u64;
            let message =
                FromWorker::Content { call: self.call_number(), offset, bytes: part.to_vec() };
            self.outbox().send_bounded(message, part.len()).await;
        }
    }
}
