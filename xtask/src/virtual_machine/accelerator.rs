//! Who carries out a virtual machine's instructions.

use std::fmt;
use std::fs::File;

use crate::steps;

/// Who carries out the machine's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accelerator {
    /// The processor, by way of the kernel's KVM.
    Kvm,
    /// The emulator: works everywhere and takes much longer.
    Emulation,
}

impl Accelerator {
    /// KVM, where it can be opened.
    pub(super) fn to_begin_with() -> Self {
        match File::options().read(true).write(true).open("/dev/kvm") {
            Ok(_) => Self::Kvm,
            Err(error) => {
                steps::say(&format!("==> no KVM, emulating instead: /dev/kvm: {error}"));
                Self::Emulation
            }
        }
    }

    /// Its name for the emulator's option `-accel`.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Emulation => "tcg",
        }
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kvm => "KVM",
            Self::Emulation => "emulation",
        })
    }
}
