//! Where hostile programs are put: two workers, calls beside them that hold a secret, and what must stay so.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use sandbox::{
    Bounds, Config, Failure, FailureKind, Limits, ModulePolicy, Outcome, Run, Sandbox, Secrets,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::header::{Must, Program};
use super::hosts::{Counting, Gate};
use super::processes::{Processes, children};
use super::root;
use crate::{config, eventually, tool};

const WORKERS: usize = 2;

/// Longer than any program takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// How many calls of a program that is repeated run at the same time.
const AT_ONCE: usize = 8;

/// Ends that only the server can know of, which no program may bring about or pretend.
const SERVERS: [FailureKind; 3] =
    [FailureKind::WorkerLost, FailureKind::Busy, FailureKind::Cancelled];

/// The most bytes of a message, of which a model reads every one.
const MESSAGE_MAX: usize = 5 << 10;

/// Shorter values of this process's environment occur by chance.
const TELLING: usize = 16;

/// Two workers with everything that is watched.
pub(super) struct Ground {
    sandbox: Sandbox,
    workers: Mutex<Processes>,
    /// The secret of the calls beside.
    canary: String,
    /// What no program may know.
    forbidden: Vec<String>,
    /// What the neighbour sees of its interpreter before anything hostile ran.
    untouched: Value,
    neighbour: String,
    listener: TcpListener,
    folder: TempDir,
}

impl Ground {
    pub(super) async fn prepare() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let canary = format!("CANARY{}", uuid());
        let on_disk = format!("ON-DISK{}", uuid());
        std::fs::write(folder.path().join("secret.txt"), &on_disk).expect("a file");
        let before = children();
        // What a program is refused for is its own limit, not what others have left of the memory.
        let bounds = Bounds { memory_bytes: 4 << 30, ..Bounds::default() };
        let config = Config { bounds, ..config(WORKERS, folder.path().join("artifacts")) };
        let sandbox = Sandbox::start(config).await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it need not block");
        let neighbour = std::fs::read_to_string(root().join("neighbour.py")).expect("it is there");
        let environment = std::env::vars().map(|(_, value)| value);
        let mut forbidden: Vec<_> = environment.filter(|value| value.len() >= TELLING).collect();
        forbidden.extend([hex::encode(&canary), canary.clone(), hex::encode(&on_disk), on_disk]);
        let mut ground = Self {
            sandbox: sandbox.expect("the sandbox starts"),
            workers: Mutex::new(children().difference(&before).copied().collect()),
            canary,
            forbidden,
            untouched: Value::Null,
            neighbour,
            listener,
            folder,
        };
        assert_eq!(ground.workers.lock().expect("it is whole").len(), WORKERS);
        ground.untouched = ground.state_of_neighbours(WORKERS).await.expect("the neighbour works");
        ground
    }

    /// Runs a program beside calls that hold a secret, and says how it ended where that is as it must be.
    pub(super) async fn put(&self, program: &Program) -> Result<String, String> {
        let gate = Arc::new(Gate::new());
        let mut beside = JoinSet::new();
        for _ in 0..WORKERS {
            let (sandbox, gate) = (self.sandbox.clone(), Arc::clone(&gate));
            let neighbour = self.call_of_neighbour(true);
            beside.spawn(async move { sandbox.run(neighbour, gate).await });
        }
        eventually("the calls beside run", || gate.entered() == WORKERS).await;
        let ended = self.ends(program).await;
        gate.open();
        for outcome in beside.join_all().await {
            self.check_neighbour(&outcome).map_err(|why| format!("a call beside it: {why}"))?;
        }
        let after = self.state_of_neighbours(WORKERS + program.repeat.min(AT_ONCE)).await;
        let after = after.map_err(|why| format!("a call after it: {why}"))?;
        if after != self.untouched {
            return Err(format!("left a trace: {after} instead of {}", self.untouched));
        }
        self.check_surroundings()?;
        ended
    }

    async fn ends(&self, program: &Program) -> Result<String, String> {
        if let Some(must) = &program.inspected {
            self.inspected(program, must).await.map_err(|why| format!("inspected: {why}"))?;
        }
        let mut how = String::new();
        let host = Arc::new(Counting::default());
        let mut left = program.repeat;
        while left > 0 {
            let count = left.min(AT_ONCE);
            left -= count;
            let calls = (0..count)
                .map(|_| self.sandbox.run(self.call_of(program), Arc::<Counting>::clone(&host)));
            for outcome in join_all(calls).await {
                how = self.check(program, &outcome)?;
            }
            eventually("no operation is under way", || host.open() == 0).await;
        }
        Ok(how)
    }

    fn call_of(&self, program: &Program) -> Run {
        let port = self.address().port().to_string();
        let file = self.folder.path().join("secret.txt");
        let arguments = program
            .arguments
            .replace("$FILE", &file.to_string_lossy())
            .replace("\"$PORT\"", &port)
            .replace("\"$PROCESS\"", &std::process::id().to_string());
        let (secrets, limits) = (program.secrets.clone(), program.limits);
        Run { arguments: arguments.into(), secrets, limits, ..tool(&program.source) }
    }

    async fn inspected(&self, program: &Program, must: &Must) -> Result<(), String> {
        let found = self
            .sandbox
            .inspect(&program.source, &ModulePolicy::default(), None, crate::GROUP)
            .await;
        let found = found.map(|inspection| {
            let text = serde_json::to_string(&inspection).expect("it is JSON");
            (json!(inspection.valid), text, inspection.capabilities)
        });
        if let Ok((_, text, _)) = &found {
            self.keeps_secrets(text)?;
        }
        let result = found.map(|(valid, _, declared)| (valid, declared));
        self.check_end(must, result.as_ref().map(|(valid, _)| valid))?;
        match (&program.declares, result) {
            (Some(wanted), Ok((_, declared))) if declared != *wanted => {
                Err(format!("declares {declared:?} instead of {wanted:?}"))
            }
            _ => Ok(()),
        }
    }

    fn check(&self, program: &Program, outcome: &Outcome) -> Result<String, String> {
        let Limits { stdout_bytes, result_bytes, .. } = program.limits;
        if outcome.stdout.len() > stdout_bytes {
            return Err(format!("printed {} bytes", outcome.stdout.len()));
        }
        self.keeps_secrets(&outcome.stdout)?;
        if let Ok(text) = &outcome.result {
            self.keeps_secrets(text)?;
            if text.len() > result_bytes {
                return Err(format!("returned {} bytes", text.len()));
            }
        }
        let result = match &outcome.result {
            Ok(text) => Ok(serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?),
            Err(failure) => Err(failure.clone()),
        };
        self.check_end(&program.must, result.as_ref())?;
        if let Some(text) = &program.prints
            && !outcome.stdout.contains(text)
        {
            return Err(format!("printed {:?}", head(&outcome.stdout)));
        }
        let ended = match &outcome.result {
            Ok(text) => format!("returned {}", head(text)),
            Err(failure) => format!("{}: {}", failure.kind.as_str(), head(&failure.message)),
        };
        Ok(format!("{} ms, {ended}", outcome.used.cpu.as_millis()))
    }

    fn check_end(&self, must: &Must, result: Result<&Value, &Failure>) -> Result<(), String> {
        if let Err(failure) = result {
            let whole = serde_json::to_string(failure).expect("it is JSON");
            self.keeps_secrets(&whole)?;
            if SERVERS.contains(&failure.kind) {
                return Err(format!("the server's own failure: {whole}"));
            }
            let message = &failure.message;
            if message.is_empty() || message.contains('\n') || message.len() > MESSAGE_MAX {
                return Err(format!("not one line of a message: {message:?}"));
            }
        }
        match (must, result) {
            (Must::Contained, _) => Ok(()),
            (Must::Returns(wanted), Ok(value)) if value == wanted => Ok(()),
            (Must::Refused(kinds, text), Err(failure))
                if kinds.contains(&failure.kind) && failure.message.contains(text) =>
            {
                Ok(())
            }
            (must, Ok(value)) => Err(format!("{must:?} is demanded: {}", head(&value.to_string()))),
            (must, Err(failure)) => Err(format!("{must:?} is demanded: {failure:?}")),
        }
    }

    fn keeps_secrets(&self, text: &str) -> Result<(), String> {
        match self.forbidden.iter().find(|secret| text.contains(*secret)) {
            Some(secret) => Err(format!("knows {secret}: {}", head(text))),
            None => Ok(()),
        }
    }

    /// An ordinary call, which leaves its secret wherever Python can put one.
    fn call_of_neighbour(&self, waits: bool) -> Run {
        let values = [("TOKEN".to_owned(), self.canary.clone())].into();
        Run {
            arguments: json!({ "waits": waits, "token": self.canary }).to_string().into(),
            secrets: Secrets { values, ..Secrets::default() },
            limits: Limits { wall: PATIENCE, cpu: PATIENCE, ..Limits::default() },
            ..tool(&self.neighbour)
        }
    }

    fn check_neighbour(&self, outcome: &Outcome) -> Result<Value, String> {
        let result = outcome.result.as_ref().map_err(|failure| format!("{failure:?}"))?;
        let mut value: Value = serde_json::from_str(result).map_err(|error| error.to_string())?;
        if value["token"].take() != json!(self.canary) || outcome.stdout != "neighbour\n" {
            return Err(format!("{value}, printed {:?}", outcome.stdout));
        }
        Ok(value["state"].take())
    }

    /// What so many calls at once see of their interpreters: enough of them meet every slot that was used.
    async fn state_of_neighbours(&self, count: usize) -> Result<Value, String> {
        let gate = Arc::new(Gate::new());
        gate.open();
        let calls = (0..count)
            .map(|_| self.sandbox.run(self.call_of_neighbour(false), Arc::<Gate>::clone(&gate)));
        let mut states = Vec::new();
        for outcome in join_all(calls).await {
            states.push(self.check_neighbour(&outcome)?);
        }
        states.dedup();
        match states.as_slice() {
            [state] => Ok(state.clone()),
            _ => Err(format!("two calls differ: {states:?}")),
        }
    }

    fn check_surroundings(&self) -> Result<(), String> {
        let status = self.sandbox.status();
        if (status.ready, status.running_calls) != (WORKERS, 0) {
            return Err(format!("the sandbox is left as {status:?}"));
        }
        let mut workers = self.workers.lock().expect("nobody panics with it");
        let alive = children();
        if !alive.is_superset(&workers) {
            // The next program is not to blame for it.
            *workers = alive;
            return Err("a worker was lost".to_owned());
        }
        match self.listener.accept() {
            Ok((_, peer)) => Err(format!("it reached the network from {peer}")),
            Err(_nobody) => Ok(()),
        }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// Shows that what was watched could have been seen, and ends the workers.
    pub(super) async fn leave(self) {
        let _peer = TcpStream::connect(self.address()).expect("the port answers");
        self.listener.accept().expect("a connection is noticed");
        let file = std::fs::read_to_string(self.folder.path().join("secret.txt"));
        let file = file.expect("the file is readable");
        assert!(self.keeps_secrets(&file).is_err(), "what is on disk is recognised");
        assert!(
            self.keeps_secrets(&hex::encode(&self.canary)).is_err(),
            "hexadecimal is recognised"
        );
        self.sandbox.stop().await;
        let workers = self.workers.lock().expect("nobody panics with it");
        assert!(children().is_disjoint(&workers), "ended workers are missed");
    }
}

/// A text that occurs nowhere else.
fn uuid() -> String {
    use std::hash::{BuildHasher, RandomState};
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}

fn head(text: &str) -> String {
    text.chars().take(300).collect()
}
