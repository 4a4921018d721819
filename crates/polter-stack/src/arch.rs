//! What differs between machines, by DWARF's numbers of registers.

use gimli::{Register, Vendor};

#[cfg(target_arch = "x86_64")]
mod machine {
    use gimli::X86_64;

    use super::{Register, Vendor};

    pub(crate) const SP: Register = X86_64::RSP;
    pub(crate) const FP: Register = X86_64::RBP;
    pub(crate) const RETURN: Register = X86_64::RA;
    pub(crate) const HAS_LINK_REGISTER: bool = false;
    pub(crate) const VENDOR: Vendor = Vendor::Default;

    /// Takes what is no address off a return address: here nothing.
    pub(crate) const fn strip(address: u64) -> u64 {
        address
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use gimli::AArch64;

    use super::{Register, Vendor};

    pub(crate) const SP: Register = AArch64::SP;
    pub(crate) const FP: Register = AArch64::X29;
    pub(crate) const RETURN: Register = AArch64::X30;
    pub(crate) const HAS_LINK_REGISTER: bool = true;
    pub(crate) const VENDOR: Vendor = Vendor::AArch64;

    /// Takes the authentication code off a return address. Addresses of more than 48 bits are given
    /// to a program only if it asks for them.
    pub(crate) const fn strip(address: u64) -> u64 {
        address & ((1 << 48) - 1)
    }
}

pub(crate) use machine::{FP, HAS_LINK_REGISTER, RETURN, SP, VENDOR, strip};
