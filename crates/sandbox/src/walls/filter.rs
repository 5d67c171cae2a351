//! seccomp: the system calls that running guests takes, and those that end the worker at once.
//!
//! Two filters. What no worker has a reason to try, such as starting a program, kills the process: it is under
//! foreign control, and holds what other calls were given. Everything else that is not listed is
//! answered with EPERM, because libraries do try things and go on without.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BackendError, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Allowed with any arguments. None of them names a file, a socket, another process or a program.
const ALLOWED: &[libc::c_long] = &[
    // Descriptors that are open: the pipes, the runtime's, /proc/self/pagemap, the memory image.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_ppoll,
    // Sets of packages are handed over as descriptors, on the one socket that there is.
    libc::SYS_recvmsg,
    // Memory; mmap and mprotect are below.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_brk,
    // Anonymous memory with a descriptor: the image of a guest whose memory is mapped copy-on-write.
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    // Time, waiting, randomness.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_futex,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getrandom,
    // Traps of guests arrive as signals; every thread has a stack for them.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // This process and its end.
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Calls that newer architectures no longer have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[libc::c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[libc::c_long] = &[];

/// What `fcntl` may do. Not among it: choosing who is sent a signal when a pipe becomes ready.
const FCNTL: &[libc::c_int] = &[
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_DUPFD_CLOEXEC,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
];

/// What `ioctl` may do, from `linux/userfaultfd.h` and `linux/fs.h`: tracking which pages were written.
const IOCTL: &[u64] = &[
    0xC020_AA00, // UFFDIO_REGISTER
    0x8010_AA01, // UFFDIO_UNREGISTER
    0xC018_AA06, // UFFDIO_WRITEPROTECT
    0xC060_6610, // PAGEMAP_SCAN
];

/// Ends the worker: only foreign code tries these.
const DEADLY: &[libc::c_long] = &[
    // Programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // The network, and sockets of this machine.
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_open_by_handle_at,
    // Parts of the kernel with a long record of holes.
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    // Who this process is.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setresuid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_personality,
];

#[cfg(target_arch = "x86_64")]
const DEADLY_OLD: &[libc::c_long] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const DEADLY_OLD: &[libc::c_long] = &[];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Why the filters are not in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    #[error("there is no filter for this architecture")]
    Architecture,
    #[error("the filter cannot be made: {0}")]
    Backend(#[from] BackendError),
    #[error("the kernel refuses it: {0}")]
    Refused(#[from] io::Error),
}

/// Puts all threads of this process under the filters.
pub(super) fn install() -> Result<String, FilterError> {
    let unconditional = |calls: [&[libc::c_long]; 2]| -> Rules {
        calls.concat().into_iter().map(|call| (call, Vec::new())).collect()
    };
    let mut allowed = unconditional([ALLOWED, ALLOWED_OLD]);
    allowed.extend(conditional()?);
    let deadly = unconditional([DEADLY, DEADLY_OLD]);
    let (count, refused) = (allowed.len(), SeccompAction::Errno(libc::EPERM.unsigned_abs()));
    // The second filter does not allow a third one to be installed.
    apply(deadly, SeccompAction::Allow, SeccompAction::KillProcess)?;
    apply(allowed, refused, SeccompAction::Allow)?;
    Ok(format!("{count} system calls are left, on all threads"))
}

fn apply(rules: Rules, otherwise: SeccompAction, action: SeccompAction) -> Result<(), FilterError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_unknown| FilterError::Architecture)?;
    let filter = SeccompFilter::new(rules, otherwise, action, architecture)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| {
        FilterError::Refused(match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
            other => io::Error::other(other),
        })
    })
}

/// The calls that are allowed with some arguments only.
fn conditional() -> Result<Rules, BackendError> {
    let not_executable = || {
        let mask = SeccompCmpOp::MaskedEq(unsigned(libc::PROT_EXEC));
        Ok(vec![SeccompRule::new(vec![argument(2, mask, 0)?])?])
    };
    let any_of = |values: &mut dyn Iterator<Item = u64>| {
        let one = |value| SeccompRule::new(vec![argument(1, SeccompCmpOp::Eq, value)?]);
        values.map(one).collect::<Result<Vec<_>, _>>()
    };
    // A panic aborts, which is a signal to oneself.
    let own_abort = SeccompRule::new(vec![
        argument(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?,
        argument(2, SeccompCmpOp::Eq, unsigned(libc::SIGABRT))?,
    ])?;
    Ok(Rules::from([
        (libc::SYS_mmap, not_executable()?),
        (libc::SYS_mprotect, not_executable()?),
        (libc::SYS_fcntl, any_of(&mut FCNTL.iter().map(|command| unsigned(*command)))?),
        (libc::SYS_ioctl, any_of(&mut IOCTL.iter().copied())?),
        (libc::SYS_tgkill, vec![own_abort]),
    ]))
}

/// A condition on an argument of which the kernel, too, reads 32 bits only.
fn argument(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

fn unsigned(value: libc::c_int) -> u64 {
    u64::from(value.unsigned_abs())
}
