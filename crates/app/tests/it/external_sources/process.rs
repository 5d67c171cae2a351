//! Sources that are processes: a shell that speaks the protocol, and writes down when it was started.

use app::external_sources::{Command, Transport, Wish};
use tempfile::TempDir;

use super::place::at;

/// A command, and what its processes left.
pub(super) struct Process {
    folder: TempDir,
    command: Command,
}

/// Answers every request of a session; its tool is called `act`, and does what `$ACT` says before it answers.
pub(super) const SCRIPT: &str = r#"
echo $$ >> started
answer() { echo '{"jsonrpc":"2.0","id":'$id',"result":'"$1"'}'; }
while read -r line; do
  id=$(echo "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
  case "$line" in
    *server/discover*) echo '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32601,"message":"no"}}';;
    *'"initialize"'*) answer '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}';;
    *tools/list*) answer '{"tools":[{"name":"act","inputSchema":{"type":"object"}}]}';;
    *tools/call*) echo >> called; eval "$ACT"; answer '{"content":[{"type":"text","text":"'"$KEY"'"}]}';;
    *'"ping"'*) answer '{}';;
  esac
done"#;

impl Process {
    /// One whose tool does this before it answers.
    pub(super) fn new(act: &str) -> Self {
        Self::of(SCRIPT, act)
    }

    /// A shell that does something else.
    pub(super) fn of(script: &str, act: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = "/usr/bin:/bin".to_owned();
        let env = [("PATH".to_owned(), path), ("ACT".to_owned(), act.to_owned())];
        let command = Command {
            command: "/bin/sh".to_owned(),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: env.into(),
            cwd: Some(folder.path().to_string_lossy().into_owned()),
        };
        Self { folder, command }
    }

    /// The same with a variable of its environment.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.command.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn wish(&self, name: &str) -> Wish {
        let command = Some(self.command.clone());
        Wish { transport: Transport::Stdio, url: None, command, ..at("", name) }
    }

    /// Makes a file that its tool may wait for.
    pub(super) fn tell(&self, file: &str) {
        std::fs::write(self.folder.path().join(file), "").expect("it is written");
    }

    /// How often it was called.
    pub(super) fn called(&self) -> usize {
        self.lines("called").len()
    }

    /// The numbers of the processes that were started.
    pub(super) fn started(&self) -> Vec<String> {
        self.lines("started")
    }

    /// How many of their groups' processes are there.
    pub(super) fn alive(&self) -> usize {
        let started = self.started();
        let all = std::fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
        let stats = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        let is_own = |stat: &String| {
            let after = stat.rsplit(')').next().unwrap_or_default();
            let fields: Vec<_> = after.split_whitespace().collect();
            fields[0] != "Z" && started.iter().any(|id| id == fields[2])
        };
        stats.filter(is_own).count()
    }

    /// What its processes wrote to a file.
    pub(super) fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
