//! The registers of a frame, as far as they are known.

use gimli::Register;

use crate::arch;
use crate::stack::Registers;

/// How many registers are followed: the general ones of either machine.
const COUNT: usize = 33;

/// Registers by DWARF's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The address of the frame's code.
    pub(crate) ip: u64,
    values: [Option<u64>; COUNT],
}

impl Known {
    /// What was copied of a thread's registers.
    pub(crate) fn of(registers: &Registers) -> Self {
        let mut known = Self {
            ip: registers.ip,
            values: [None; COUNT],
        };
        known.set(arch::SP, Some(registers.sp));
        known.set(arch::FP, Some(registers.fp));
        if arch::HAS_LINK_REGISTER {
            known.set(arch::RETURN, Some(registers.lr));
        } else {
            known.set(arch::RETURN, Some(registers.ip));
        }
        known
    }

    pub(crate) fn get(&self, register: Register) -> Option<u64> {
        *self.values.get(usize::from(register.0))?
    }

    pub(crate) fn set(&mut self, register: Register, value: Option<u64>) {
        if let Some(place) = self.values.get_mut(usize::from(register.0)) {
            *place = value;
        }
    }

    pub(crate) fn sp(&self) -> Option<u64> {
        self.get(arch::SP)
    }

    pub(crate) fn fp(&self) -> Option<u64> {
        self.get(arch::FP)
    }
}
