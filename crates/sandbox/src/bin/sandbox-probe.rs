//! Shows from inside what the walls hold back: for the tests of this crate alone.
//!
//! `sandbox-probe open|walled ATTEMPT [ARGUMENT]` makes one attempt, without or behind the walls, and prints
//! `done` or `refused: REASON`; one that ends the process is seen from outside.
//! `sandbox-probe without landlock|seccomp PROGRAM [ARGUMENTS]` runs a program as on a kernel without one wall.
#![expect(unsafe_code, reason = "system calls that no library wraps, tried out on purpose")]
#![expect(clippy::print_stdout, reason = "the answer to the test that started this program")]
#![expect(clippy::expect_used, reason = "a probe that cannot set up has failed")]

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::ffi::{c_int, c_long};
    use std::io;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::{CommandExt as _, parent_id};
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

    pub(crate) fn main() {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["without", wall, program, rest @ ..] => {
                forbid(wall);
                become_program(program, rest);
            }
            ["open", name, rest @ ..] => report(attempt(name, rest)),
            ["walled", "from-a-thread", name, rest @ ..] => {
                report(in_a_thread_started_before(name, rest));
            }
            ["walled", name, rest @ ..] => {
                let walls = sandbox::walls::raise(|| ());
                println!("{}", serde_json::to_string(&walls).expect("walls have a JSON form"));
                report(attempt(name, rest));
            }
            _ => println!("unknown"),
        }
    }

    fn report(outcome: io::Result<()>) {
        match outcome {
            Ok(()) => println!("done"),
            Err(error) => println!("refused: {error}"),
        }
    }

    /// Answers the system call that raises `wall` as a kernel without it does.
    fn forbid(wall: &str) {
        let call = match wall {
            "landlock" => libc::SYS_landlock_create_ruleset,
            _ => libc::SYS_seccomp,
        };
        let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let architecture = std::env::consts::ARCH.try_into().expect("a known architecture");
        let rules = BTreeMap::from([(call, Vec::new())]);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, architecture);
        let program: BpfProgram =
            filter.expect("a filter").try_into().expect("a program of the filter");
        seccompiler::apply_filter(&program).expect("the kernel takes the filter");
    }

    fn become_program(program: &str, arguments: &[&str]) {
        let error = Command::new(program).args(arguments).exec();
        println!("cannot run {program}: {error}");
    }

    /// The filter has to cover threads that were there before it.
    fn in_a_thread_started_before(name: &str, rest: &[&str]) -> io::Result<()> {
        let (go, wait) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let mut early = None;
            sandbox::walls::raise(|| {
                early = Some(scope.spawn(move || {
                    let _told = wait.recv();
                    attempt(name, rest)
                }));
            });
            drop(go);
            early.expect("it was started").join().expect("the attempt returns")
        })
    }

    fn attempt(name: &str, rest: &[&str]) -> io::Result<()> {
        let argument = rest.first().copied().unwrap_or_default();
        match name {
            "read-a-file" => std::fs::read(argument).map(drop),
            "write-a-file" => std::fs::write(argument, "written"),
            "list-a-folder" => std::fs::read_dir(argument).map(drop),
            "read-its-parents-environment" => {
                std::fs::read(format!("/proc/{}/environ", parent_id())).map(drop)
            }
            "connect" => TcpStream::connect(argument).map(drop),
            "listen" => TcpListener::bind("127.0.0.1:0").map(drop),
            "send-a-datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
            "make-a-socket-pair" => UnixStream::pair().map(drop),
            "run-a-program" => Command::new("/bin/true").status().map(drop),
            "become-a-program" => Err(Command::new("/bin/true").exec()),
            "start-a-thread" => thread::Builder::new().spawn(|| ()).map(drop),
            "panic" => {
                std::panic::set_hook(Box::new(|_panic| std::process::abort()));
                let number = argument.parse::<u8>();
                number.map(|_number| Ok(())).expect("the probe panics as it is asked to")
            }
            _ => raw(name, argument),
        }
    }

    /// Attempts by number, for what the standard library has no function for.
    fn raw(name: &str, argument: &str) -> io::Result<()> {
        const PAGE: usize = 4096;
        let parent = c_int::try_from(parent_id()).unwrap_or_default();
        let read_write = libc::PROT_READ | libc::PROT_WRITE;
        let executable = libc::PROT_READ | libc::PROT_EXEC;
        match name {
            "fork" => fork(),
            "signal-its-parent" => call(libc::SYS_kill, [parent.into(), 0, 0, 0]),
            "have-its-parent-signalled" => {
                call(libc::SYS_fcntl, [0, libc::F_SETOWN.into(), parent.into(), 0])
            }
            "let-itself-be-traced" => {
                call(libc::SYS_ptrace, [libc::PTRACE_TRACEME.into(), 0, 0, 0])
            }
            "map-memory" => map(read_write).map(drop),
            "map-executable-memory" => map(executable).map(drop),
            "make-memory-read-only" => protect(map(read_write)?, PAGE, libc::PROT_READ),
            "make-memory-executable" => protect(map(read_write)?, PAGE, executable),
            "have-a-pid" => call(libc::SYS_getpid, [0; 4]),
            "raise-a-limit" => rlimit::Resource::NOFILE.set(1 << 10, 1 << 10),
            "ask-by-number" => {
                let number = argument.parse().map_err(io::Error::other)?;
                call(number, [0; 4])
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "no such attempt")),
        }
    }

    fn call(number: c_long, [a, b, c, d]: [c_long; 4]) -> io::Result<()> {
        // SAFETY: the calls that are tried here take integers, or null pointers that the kernel checks.
        let result = unsafe { libc::syscall(number, a, b, c, d) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn fork() -> io::Result<()> {
        // SAFETY: this process has one thread, so that the child finds no lock taken.
        match unsafe { libc::fork() } {
            // SAFETY: ends the child, of which nothing is left that could be unsound.
            0 => unsafe { libc::_exit(0) },
            child if child > 0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn map(protection: c_int) -> io::Result<*mut libc::c_void> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory at an address of the kernel's choice.
        let place = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
        if place == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(place) }
    }

    fn protect(place: *mut libc::c_void, length: usize, protection: c_int) -> io::Result<()> {
        // SAFETY: `place` was mapped for this alone and nothing else refers to it.
        let result = unsafe { libc::mprotect(place, length, protection) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("unknown");
}
