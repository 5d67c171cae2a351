//! The few things of the operating system that a worker needs and the standard library does not offer.
#![expect(unsafe_code, reason = "system calls without a safe wrapper in the standard library")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crate::protocol::{IMAGE_DESCRIPTOR, SETS_DESCRIPTOR};

/// Takes standard input and output for the caller alone.
///
/// What reads standard input afterwards finds it empty, and what prints goes to standard error: a
/// stray print, of a library for instance, cannot damage the messages that flow through the pipes.
pub(crate) fn take_pipes() -> io::Result<(OwnedFd, OwnedFd)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    replace(io::stdin().as_fd(), File::open("/dev/null")?.as_fd())?;
    replace(io::stdout().as_fd(), io::stderr().as_fd())?;
    Ok((input, output))
}

fn replace(old: BorrowedFd<'_>, new: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both descriptors are borrowed and so open. `old` stays open under its number; that it
    // now names another file is the purpose, and the standard streams are used by number only.
    let result = unsafe { libc::dup2(new.as_raw_fd(), old.as_raw_fd()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes the memory image that the server has left open for this process.
pub(crate) fn take_image() -> io::Result<OwnedFd> {
    take(IMAGE_DESCRIPTOR)
}

/// Takes the socket that the server has left open for sets of packages.
pub(crate) fn take_socket() -> io::Result<OwnedFd> {
    take(SETS_DESCRIPTOR)
}

fn take(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: asking for the flags of a number that names no open file is an error and nothing else.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number names an open file, as was just seen. It is the server's to use for one
    // purpose, so nothing else in this process owns it; it is taken once, when the worker starts.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Has the kernel kill this process when the thread that started it ends.
#[cfg(target_os = "linux")]
pub(crate) fn die_with_parent() -> io::Result<()> {
    // SAFETY: this option reads one integer argument and touches no memory.
    let result = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Offers this process first when the machine runs out of memory: its calls can be made again, and
/// what the server holds cannot.
#[cfg(target_os = "linux")]
pub(crate) fn volunteer_when_memory_is_short() -> io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", "1000")
}

/// Other systems have no such order.
#[cfg(not(target_os = "linux"))]
pub(crate) fn volunteer_when_memory_is_short() -> io::Result<()> {
    Ok(())
}

/// The end of the pipe alone tells a worker that its server has gone.
#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with_parent() -> io::Result<()> {
    Ok(())
}

/// Closes this process to others of the same user: `/proc`, debuggers, core files.
#[cfg(target_os = "linux")]
pub(crate) fn forbid_inspection() -> io::Result<()> {
    set_option(libc::PR_SET_DUMPABLE, 0)
}

/// Has the kernel give this process no rights beyond its own when it starts a program.
#[cfg(target_os = "linux")]
pub(crate) fn forbid_new_privileges() -> io::Result<()> {
    set_option(libc::PR_SET_NO_NEW_PRIVS, 1)
}

#[cfg(target_os = "linux")]
fn set_option(option: libc::c_int, value: libc::c_ulong) -> io::Result<()> {
    const UNUSED: libc::c_ulong = 0;
    // SAFETY: the options that are passed here read integers and touch no memory.
    let result = unsafe { libc::prctl(option, value, UNUSED, UNUSED, UNUSED) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives up all that root may do; without effect for any other user, who may do none of it.
#[cfg(target_os = "linux")]
pub(crate) fn drop_capabilities() -> io::Result<()> {
    /// From `linux/capability.h`: the layout with two sets of 32 bits each, the calling thread.
    const HEADER: [u32; 2] = [0x2008_0522, 0];
    const NONE: [u32; 6] = [0; 6];
    // SAFETY: the kernel reads a header of 8 bytes and, for its version, sets of 24 bytes; both are
    // that long, aligned as 32-bit numbers, and only read.
    let result = unsafe { libc::syscall(libc::SYS_capset, HEADER.as_ptr(), NONE.as_ptr()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;

    fn unsupported() -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has it"))
    }

    pub(crate) fn forbid_inspection() -> io::Result<()> {
        unsupported()
    }

    pub(crate) fn forbid_new_privileges() -> io::Result<()> {
        unsupported()
    }

    pub(crate) fn drop_capabilities() -> io::Result<()> {
        unsupported()
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{drop_capabilities, forbid_inspection, forbid_new_privileges};

/// Tells how much memory this process alone has.
///
/// Held open from the start: later on, no file can be opened any more.
pub(crate) struct Resident {
    statm: File,
    page: usize,
}

impl Resident {
    /// Opens what the system tells about this process; fails where it tells nothing of the kind.
    pub(crate) fn open() -> io::Result<Self> {
        let statm = File::open("/proc/self/statm")?;
        // SAFETY: the call reads one integer argument and touches no memory.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = usize::try_from(page).map_err(io::Error::other)?;
        Ok(Self { statm, page })
    }

    /// Bytes in memory that no file and no other process shares; 0 where that cannot be read.
    pub(crate) fn private_bytes(&self) -> usize {
        let mut text = [0; 128];
        let length = self.statm.read_at(&mut text, 0).unwrap_or_default();
        let text = text.get(..length).and_then(|text| std::str::from_utf8(text).ok());
        let mut fields = text.unwrap_or_default().split(' ').skip(1).map(str::parse::<usize>);
        match (fields.next(), fields.next()) {
            (Some(Ok(resident)), Some(Ok(shared))) => {
                resident.saturating_sub(shared).saturating_mul(self.page)
            }
            _ => 0,
        }
    }
}

/// The processor time that the calling thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the one value that the call writes; the clock exists on
    // every supported system, and were it refused, the time would stay zero.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::thread_cpu_time;

    #[test]
    fn the_clock_of_the_thread_goes_on_with_work_only() {
        let before = thread_cpu_time();
        while thread_cpu_time() < before + std::time::Duration::from_millis(1) {}
        let worked = thread_cpu_time();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(thread_cpu_time() < worked + std::time::Duration::from_millis(40));
    }
}
