//! Where CPython keeps what: 3.13 says it itself, of 3.11 and 3.12 it is known.

use crate::memory::Memory;

/// Offsets within CPython's structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    // _PyRuntimeState, PyInterpreterState
    pub(crate) interpreters_head: u64,
    pub(crate) interpreter_next: u64,
    pub(crate) threads_head: u64,
    // PyThreadState
    pub(crate) thread_next: u64,
    pub(crate) native_thread_id: u64,
    /// Where the thread has its innermost frame; or, with `in_cframe`, a structure that has it.
    pub(crate) current_frame: u64,
    /// Where that structure has it.
    pub(crate) in_cframe: Option<u64>,
    // _PyInterpreterFrame
    pub(crate) frame_code: u64,
    pub(crate) frame_previous: u64,
    pub(crate) frame_instruction: u64,
    pub(crate) entry: Entry,
    // PyCodeObject
    pub(crate) code_filename: u64,
    pub(crate) code_qualname: u64,
    pub(crate) code_lines: u64,
    pub(crate) code_first_line: u64,
    pub(crate) code_bytes: u64,
    // PyUnicodeObject
    pub(crate) ascii_text: u64,
    pub(crate) other_text: u64,
}

/// How it is seen that the interpreter was entered anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The first frame of each run has a mark, at this offset.
    Marked(u64),
    /// Before each run stands a frame that is no function's; its owner, at this offset, is the stack of C.
    Apart(u64),
}

/// `FRAME_OWNED_BY_CSTACK`.
pub(crate) const OWNED_BY_C: u8 = 3;

impl Layout {
    /// CPython 3.11.
    const V3_11: Self = Self {
        interpreters_head: 40,
        interpreter_next: 0,
        threads_head: 16,
        thread_next: 8,
        native_thread_id: 160,
        current_frame: 56,
        in_cframe: Some(8),
        frame_code: 32,
        frame_previous: 48,
        frame_instruction: 56,
        entry: Entry::Marked(68),
        code_filename: 112,
        code_qualname: 128,
        code_lines: 136,
        code_first_line: 72,
        code_bytes: 184,
        ascii_text: 48,
        other_text: 72,
    };

    /// CPython 3.12.
    pub(crate) const V3_12: Self = Self {
        threads_head: 72,
        native_thread_id: 144,
        in_cframe: Some(0),
        frame_code: 0,
        frame_previous: 8,
        entry: Entry::Apart(70),
        code_first_line: 68,
        code_bytes: 192,
        ascii_text: 40,
        other_text: 56,
        ..Self::V3_11
    };

    /// Finds the layout of the Python whose `_PyRuntime` and `Py_Version` are at these addresses.
    ///
    /// Nothing for what was not tried: before 3.11, after 3.13, and without the lock.
    pub(crate) fn of(memory: &Memory, runtime: u64, version: u64) -> Option<Self> {
        match memory.half(version)? >> 16 {
            0x030b => Some(Self::V3_11),
            0x030c => Some(Self::V3_12),
            0x030d => Self::told(memory, runtime),
            _ => None,
        }
    }

    /// Reads the offsets that 3.13 tells. Linux: `_Py_DebugOffsets`.
    fn told(memory: &Memory, runtime: u64) -> Option<Self> {
        if memory.bytes(runtime, 8)? != b"xdebugpy" {
            return None;
        }
        // A structure has at most some MiB: what is larger is no offset.
        let at = |index: u64| {
            memory
                .word(runtime + 8 + 8 * index)
                .filter(|&offset| offset < 1 << 24)
        };
        let is_without_lock = at(1)? != 0;
        (!is_without_lock).then_some(Self {
            interpreters_head: at(4)?,
            interpreter_next: at(7)?,
            threads_head: at(8)?,
            thread_next: at(20)?,
            current_frame: at(22)?,
            in_cframe: None,
            native_thread_id: at(24)?,
            frame_previous: at(28)?,
            frame_code: at(29)?,
            frame_instruction: at(30)?,
            entry: Entry::Apart(at(32)?),
            code_filename: at(34)?,
            code_qualname: at(36)?,
            code_lines: at(37)?,
            code_first_line: at(38)?,
            code_bytes: at(42)?,
            ..Self::V3_12
        })
    }
}
