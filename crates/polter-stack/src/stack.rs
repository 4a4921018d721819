//! What a recorder copies from a thread that is inside a system call.

/// The user registers that unwinding begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registers {
    /// The next instruction: `rip`, `pc`.
    pub ip: u64,
    /// The stack pointer: `rsp`, `sp`.
    pub sp: u64,
    /// The frame pointer: `rbp`, `x29`.
    pub fp: u64,
    /// The return address of a leaf: `x30` on aarch64; unused on x86-64.
    pub lr: u64,
}

/// The registers of a thread, and a copy of its stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackCopy {
    /// The registers at the time of the copy.
    pub registers: Registers,
    /// The stack's bytes from `registers.sp` upwards, as many as were copied.
    pub bytes: Vec<u8>,
}

impl StackCopy {
    /// Reads the word at an address; nothing if it was not copied.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.registers.sp)?).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(8)?)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_copied_can_be_read() {
        check(0x1000, Some(0x0807_0605_0403_0201));
        check(0x1001, Some(0x0908_0706_0504_0302));
        check(0x1002, None);
        check(0xfff, None);
        check(u64::MAX, None);
    }

    #[track_caller]
    fn check(address: u64, expected: Option<u64>) {
        let copy = StackCopy {
            registers: Registers {
                sp: 0x1000,
                ..Registers::default()
            },
            bytes: (1..=9).collect(),
        };
        assert_eq!(copy.word(address), expected);
    }
}
