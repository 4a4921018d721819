//! CPython's own frames, read from the memory of a process that lives.
//!
//! ```text
//!   _PyRuntime ─▶ interpreters ─▶ threads ─▶ frame ─▶ frame ─▶ … ─▶ code ─▶ name, file, line
//! ```
//!
//! The thread runs on while its frames are read. The copy of its stack is from before, and tells which
//! frames were there: the interpreter keeps addresses of its innermost function on it.

mod layout;
mod lines;
mod text;

use std::ops::Range;

use self::layout::{Entry, Layout, OWNED_BY_C};
use crate::frame::Frame;
use crate::memory::Memory;
use crate::stack::StackCopy;

/// The function that runs Python's functions.
pub(crate) const INTERPRETER: &str = "_PyEval_EvalFrameDefault";

/// Limits: interpreters and threads looked at, frames of a stack, the size of a table of lines.
const MOST_INTERPRETERS: usize = 64;
const MOST_THREADS: usize = 4096;
const MOST_FRAMES: usize = 256;
/// Words of an interpreter's own part of the stack.
const MOST_WORDS: usize = 512;
const LARGEST_LINES: u64 = 256 << 10;
/// No address of a program is above.
const HIGHEST: u64 = 1 << 56;

/// The Python within a process.
#[derive(Debug)]
pub(crate) struct Python {
    runtime: u64,
    code_type: u64,
    layout: Layout,
}

/// A Python frame, and what shows that it is the one that was copied.
struct Seen {
    frame: Frame,
    /// Where the instructions of its function are.
    instructions: Range<u64>,
    /// True if the interpreter was entered anew for it.
    is_entry: bool,
}

impl Python {
    /// Finds Python by the addresses of its symbols; nothing if its layout is not known.
    pub(crate) fn of(memory: &Memory, symbol_fn: impl Fn(&str) -> Option<u64>) -> Option<Self> {
        // A file's symbols may name any address.
        let address_fn = |name| symbol_fn(name).filter(|&address| address < HIGHEST);
        let runtime = address_fn("_PyRuntime")?;
        Some(Self {
            runtime,
            code_type: address_fn("PyCode_Type")?,
            layout: Layout::of(memory, runtime, address_fn("Py_Version")?)?,
        })
    }

    /// Reads a thread's frames, the innermost first, in one list for each time that the interpreter
    /// was entered. `tid` is the thread's in its own pid namespace.
    ///
    /// Frames inside of the innermost one that the copy knows have come since, and are left out.
    pub(crate) fn frames(&self, memory: &Memory, tid: u32, stack: &StackCopy) -> Vec<Vec<Frame>> {
        let seen = self.walk(memory, tid).unwrap_or_default();
        let mut runs = vec![Vec::new()];
        for it in seen.into_iter().skip_while(|it| !it.is_on(stack)) {
            if let Some(run) = runs.last_mut() {
                run.push(it.frame);
            }
            if it.is_entry {
                runs.push(Vec::new());
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }

    /// Finds the frame that the innermost interpreter ran when its stack was copied, though its function may have returned
    /// since: the interpreter has the frame's address on its own part of the stack. The frame's memory is used again by
    /// the next function; so only a frame counts whose function the copy shows to be under way.
    pub(crate) fn innermost(
        &self,
        memory: &Memory,
        stack: &StackCopy,
        own: Range<u64>,
    ) -> Option<Frame> {
        let words = own.step_by(8).take(MOST_WORDS);
        let addresses = words.filter_map(|at| stack.word(at));
        // Frames lie on no odd address, and not in the first page.
        let mut frames = addresses.filter(|at| at % 8 == 0 && (4096..HIGHEST).contains(at));
        frames.find_map(|at| self.frame_on(memory, at, stack))
    }

    /// A frame, with the line at which the copy shows its function.
    fn frame_on(&self, memory: &Memory, at: u64, stack: &StackCopy) -> Option<Frame> {
        let seen = self.frame(memory, at)?;
        let next = seen.instruction_on(stack)?;
        let code = memory.word(at.checked_add(self.layout.frame_code)?)?;
        // It is the next instruction's: the one before made the call.
        let index = (next - seen.instructions.start).saturating_sub(2) / 2;
        let mut frame = seen.frame;
        let file = String::from_utf8_lossy(&frame.module).into_owned();
        frame.source = self.line(memory, code, index).map(|line| (file, line));
        Some(frame)
    }

    fn walk(&self, memory: &Memory, tid: u32) -> Option<Vec<Seen>> {
        let layout = &self.layout;
        let mut at = memory.word(self.thread(memory, tid)? + layout.current_frame)?;
        if let Some(offset) = layout.in_cframe {
            at = memory.word(at.checked_add(offset)?)?;
        }
        let mut seen: Vec<Seen> = Vec::new();
        for _ in 0..MOST_FRAMES {
            if at == 0 {
                break;
            }
            let is_apart = matches!(layout.entry, Entry::Apart(owner) if memory.byte(at.checked_add(owner)?)? == OWNED_BY_C);
            if is_apart {
                if let Some(last) = seen.last_mut() {
                    last.is_entry = true;
                }
            } else if let Some(frame) = self.frame(memory, at) {
                seen.push(frame);
            } else {
                // Whatever this is, it is no frame any more.
                break;
            }
            at = memory.word(at.checked_add(layout.frame_previous)?)?;
        }
        Some(seen)
    }

    /// Finds the state of a thread.
    fn thread(&self, memory: &Memory, tid: u32) -> Option<u64> {
        let layout = &self.layout;
        let mut interpreter = memory.word(self.runtime.checked_add(layout.interpreters_head)?)?;
        for _ in 0..MOST_INTERPRETERS {
            let mut thread = memory.word(interpreter.checked_add(layout.threads_head)?)?;
            for _ in 0..MOST_THREADS {
                if thread == 0 {
                    break;
                }
                if memory.word(thread.checked_add(layout.native_thread_id)?)? == u64::from(tid) {
                    return Some(thread);
                }
                thread = memory.word(thread.checked_add(layout.thread_next)?)?;
            }
            interpreter = memory.word(interpreter.checked_add(layout.interpreter_next)?)?;
            if interpreter == 0 {
                break;
            }
        }
        None
    }

    fn frame(&self, memory: &Memory, at: u64) -> Option<Seen> {
        let layout = &self.layout;
        let code = memory
            .word(at.checked_add(layout.frame_code)?)
            .filter(|&code| code < HIGHEST)?;
        if memory.word(code + 8)? != self.code_type {
            return None;
        }
        let text_fn = |offset| text::read(memory, layout, memory.word(code + offset)?.min(HIGHEST));
        let file = text_fn(layout.code_filename)?;
        let start = code + layout.code_bytes;
        let size = memory.word(code + 16)?.min(1 << 32) * 2;
        let instruction = memory.word(at.checked_add(layout.frame_instruction)?)?;
        let line = self.line(memory, code, instruction.saturating_sub(start) / 2);
        let is_entry = match layout.entry {
            Entry::Marked(offset) => memory.byte(at.checked_add(offset)?)? != 0,
            Entry::Apart(_) => false,
        };
        Some(Seen {
            frame: Frame {
                module: file.clone().into_bytes(),
                function: text_fn(layout.code_qualname),
                offset: 0,
                address: None,
                source: line.map(|line| (file, line)),
            },
            instructions: start..start + size,
            is_entry,
        })
    }

    fn line(&self, memory: &Memory, code: u64, instruction: u64) -> Option<u32> {
        let table = memory.word(code + self.layout.code_lines)?.min(HIGHEST);
        let size = memory
            .word(table + 16)
            .filter(|&size| size <= LARGEST_LINES)?;
        let bytes = memory.bytes(table + 32, usize::try_from(size).ok()?)?;
        lines::line_of(
            &bytes,
            memory.half(code + self.layout.code_first_line)?,
            instruction,
        )
    }
}

impl Seen {
    /// True if the copy of the stack has an address within the function's instructions: the interpreter
    /// keeps the next one there. An address of the frame would not do, for its memory is used again.
    fn is_on(&self, stack: &StackCopy) -> bool {
        words(stack).any(|word| self.instructions.contains(&word))
    }

    /// The next instruction, as the copy shows it. The address of the first one is kept beside it, and is left out.
    fn instruction_on(&self, stack: &StackCopy) -> Option<u64> {
        words(stack)
            .find(|word| self.instructions.contains(word) && *word != self.instructions.start)
    }
}

fn words(stack: &StackCopy) -> impl Iterator<Item = u64> {
    let words = stack.bytes.chunks_exact(8);
    words.map(|word| word.try_into().map_or(0, u64::from_le_bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_memory_is_read_to_an_end(
            words in prop::collection::vec(prop_oneof![0..64_u64, (0..64_u64).prop_map(|at| 8 * at), any::<u64>()], 64..200),
            version in 0x0b_u8..0x0e,
            code_type in 0..512_u64,
        ) {
            let mut file = tempfile::tempfile().unwrap();
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes[..8].copy_from_slice(b"xdebugpy");
            bytes[504..508].copy_from_slice(&[0, 0, version, 3]);
            file.write_all(&bytes).unwrap();
            let memory = Memory::from(file);
            let symbol_fn = |name: &str| match name {
                "Py_Version" => Some(504),
                "PyCode_Type" => Some(code_type),
                _ => Some(0),
            };
            if let Some(python) = Python::of(&memory, symbol_fn) {
                let stack = StackCopy { bytes, ..StackCopy::default() };
                for tid in 0..4 {
                    let frames: usize = python.frames(&memory, tid, &stack).iter().map(Vec::len).sum();
                    prop_assert!(frames <= MOST_FRAMES);
                }
            }
            let _ = text::read(&memory, &Layout::V3_12, words[0].min(HIGHEST));
        }
    }
}
