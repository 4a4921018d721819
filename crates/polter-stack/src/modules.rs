//! What a process runs, and the frames of its stacks.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::demangle::demangle;
use crate::frame::Frame;
use crate::image::{Found, Image};
use crate::maps::{self, Mapping};
use crate::memory::Memory;
use crate::perf_map::PerfMap;
use crate::process;
use crate::python::{INTERPRETER, Python};
use crate::stack::StackCopy;
use crate::unwind::{self, Walked};

/// The most files that are kept open of one process.
const MOST_FILES: usize = 512;

/// The code that a process has mapped, and the open files that it comes from: frames can be named
/// after the process is gone.
///
/// Nothing is read of a file but its headers until a frame is in it.
#[derive(Debug, Default)]
pub struct Modules {
    /// Sorted by address.
    mapped: Vec<Mapped>,
    /// The name and the content of the map of compiled code.
    perf_map: Option<(Vec<u8>, Mutex<PerfMap>)>,
    /// The process, and its memory, if that may be read.
    live: Option<(u32, Memory)>,
    /// The Python in the process, looked for when its interpreter is in a stack.
    python: OnceLock<Option<Python>>,
}

#[derive(Debug)]
struct Mapped {
    mapping: Mapping,
    /// Nothing if the file cannot be had, or there is none.
    image: Option<Arc<Image>>,
}

/// A file by its device and inode: these stay the same as long as it is open.
type Key = (Vec<u8>, u64);

impl Modules {
    /// Reads what a process has mapped now, and opens the files.
    ///
    /// # Errors
    ///
    /// `/proc/PID/maps` cannot be read: the process is gone, or another user's. A file that
    /// cannot be opened is none: its frames have no names.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::default().again(pid)
    }

    /// Reads again what a process has mapped, and keeps what `self` knows of the same files: after a
    /// `dlopen` or an exec, or for another process of the same program.
    ///
    /// # Errors
    ///
    /// As of [`Modules::of`].
    pub fn again(&self, pid: u32) -> io::Result<Self> {
        let text = process::maps(pid)?;
        let perf_map = process::open_perf_map(pid);
        Ok(Self {
            mapped: self.open(&text, |mapping| process::open(pid, mapping)),
            perf_map: perf_map.map(|(name, file)| (name, Mutex::new(PerfMap::of(file)))),
            live: Memory::of(pid).ok().map(|memory| (pid, memory)),
            python: OnceLock::new(),
        })
    }

    /// Takes the text of a `/proc/PID/maps` and opens the files by a function of their paths, for
    /// what is no process of this machine.
    pub fn of_text(text: &[u8], mut open_fn: impl FnMut(&[u8]) -> Option<File>) -> Self {
        Self {
            mapped: Self::default().open(text, |mapping| open_fn(&mapping.path)),
            ..Self::default()
        }
    }

    fn open(&self, text: &[u8], mut open_fn: impl FnMut(&Mapping) -> Option<File>) -> Vec<Mapped> {
        let key_fn = |mapping: &Mapping| (mapping.device.clone(), mapping.inode);
        let known = self.mapped.iter().filter(|it| it.image.is_some());
        let known: HashMap<Key, _> = known
            .map(|it| (key_fn(&it.mapping), it.image.clone()))
            .collect();
        let mut images: HashMap<Key, Option<Arc<Image>>> = HashMap::new();
        let mapped_fn = |mapping: Mapping| {
            let key = key_fn(&mapping);
            let image = match images.get(&key) {
                Some(image) if mapping.inode != 0 => image.clone(),
                _ if images.len() == MOST_FILES => None,
                _ => {
                    let made_fn = || open_fn(&mapping).and_then(Image::of).map(Arc::new);
                    let image = known.get(&key).cloned().unwrap_or_else(made_fn);
                    images.insert(key, image.clone());
                    image
                }
            };
            Mapped { mapping, image }
        };
        maps::parse(text).into_iter().map(mapped_fn).collect()
    }

    /// True if the stack leads to an address where nothing is mapped that can run, as far as is known:
    /// perhaps it is mapped since ([`Modules::again`]).
    pub fn is_lost_in(&self, stack: &StackCopy) -> bool {
        // The outermost frame has no caller; what stands in its place is no address.
        const LOWEST: u64 = 1 << 16;
        let lost = std::cell::Cell::new(false);
        let is_code_fn = |address| {
            let is_code = self.at(address).is_some();
            lost.set(!is_code && address >= LOWEST);
            is_code
        };
        unwind::walk(
            stack,
            |lookup, registers| self.caller(lookup, registers, stack),
            is_code_fn,
        );
        lost.get()
    }

    /// Unwinds a stack, and names its frames, the innermost first. The walk ends where the copy
    /// ends, at the latest.
    pub fn frames(&self, stack: &StackCopy) -> Vec<Frame> {
        let walked = self.walk(stack).into_iter();
        walked.flat_map(|it| self.name(it.ip, it.lookup)).collect()
    }

    fn walk(&self, stack: &StackCopy) -> Vec<Walked> {
        let caller_fn = |lookup, registers: &_| self.caller(lookup, registers, stack);
        unwind::walk(stack, caller_fn, |address| self.at(address).is_some())
    }

    /// As [`Modules::frames`], with the functions that CPython 3.11 to 3.13 interprets, each before the
    /// frame of its interpreter. Only a process that lives has them, and only if its memory may be
    /// read.
    ///
    /// The thread has run on since the copy. Functions that it has entered since are left out, as far
    /// as the copy shows it, and of those that have returned since, all but the innermost; a line is where the
    /// function is now, or where an innermost function that has returned was.
    pub fn frames_of(&self, tid: u32, stack: &StackCopy) -> Vec<Frame> {
        let walked = self.walk(stack);
        let named_fn = |it: &Walked| self.name(it.ip, it.lookup);
        let native: Vec<Vec<Frame>> = walked.iter().map(named_fn).collect();
        let is_one = |frames: &Vec<Frame>| frames.iter().any(is_interpreter);
        let Some(interpreter) = native.iter().position(is_one) else {
            return native.into_iter().flatten().collect();
        };
        let found = self.python_frames(
            tid,
            stack,
            &native[interpreter],
            own_part(&walked, interpreter),
        );
        let (innermost, python) = found.unwrap_or_default();
        let native: Vec<Frame> = native.into_iter().flatten().collect();
        let entries = native.iter().filter(|frame| is_interpreter(frame)).count();
        // What is missing was inside: functions that have returned since.
        let mut returned = entries.saturating_sub(python.len());
        let mut innermost = innermost.filter(|it| returned > 0 || !is_first(it, &python));
        let mut python = python.into_iter();
        let mut frames = Vec::new();
        for frame in native {
            if is_interpreter(&frame) {
                frames.extend(innermost.take());
                match returned.checked_sub(1) {
                    Some(left) => returned = left,
                    None => frames.extend(python.next().unwrap_or_default()),
                }
            }
            frames.push(frame);
        }
        frames
    }

    /// The innermost Python frame by the copy, and the frames by each entry of the interpreter. `own` is the part of the
    /// stack that belongs to the innermost interpreter.
    fn python_frames(
        &self,
        tid: u32,
        stack: &StackCopy,
        interpreter: &[Frame],
        own: Range<u64>,
    ) -> Option<(Option<Frame>, Vec<Vec<Frame>>)> {
        let (pid, memory) = self.live.as_ref()?;
        let interpreter = interpreter.iter().find(|frame| is_interpreter(frame))?;
        let find_fn = || {
            let path = &interpreter.module;
            let mapped = self.mapped.iter().find(|it| it.mapping.path == *path)?;
            Python::of(memory, |symbol| mapped.in_memory(symbol))
        };
        let python = self.python.get_or_init(find_fn).as_ref()?;
        let innermost = python.innermost(memory, stack, own);
        let own_tid = process::own_id(&format!("/proc/{pid}/task/{tid}"));
        let runs = own_tid.map(|tid| python.frames(memory, tid, stack));
        Some((innermost, runs.unwrap_or_default()))
    }

    fn caller(
        &self,
        lookup: u64,
        registers: &crate::registers::Known,
        stack: &StackCopy,
    ) -> Option<crate::cfi::Caller> {
        let mapped = self.at(lookup)?;
        mapped
            .image
            .as_ref()?
            .caller(mapped.in_file(lookup)?, registers, stack)
    }

    fn at(&self, address: u64) -> Option<&Mapped> {
        let before = self
            .mapped
            .partition_point(|it| it.mapping.start <= address);
        self.mapped[..before]
            .last()
            .filter(|it| address < it.mapping.end)
    }

    /// Names what is at an address: the functions that a compiler has put into others first.
    fn name(&self, address: u64, lookup: u64) -> Vec<Frame> {
        let Some(mapped) = self.at(lookup) else {
            return Vec::new();
        };
        let in_file = mapped
            .in_file(lookup)
            .and_then(|found| Some((found, mapped.image.as_ref()?)));
        let Some((lookup_in_file, image)) = in_file else {
            return vec![self.name_without_file(mapped, address, lookup)];
        };
        let into = address.wrapping_sub(lookup);
        let Found { symbol, mut places } = image.find(lookup_in_file);
        let outermost = places.pop();
        let (function, offset) = match symbol {
            Some((name, offset)) => (Some(name), offset),
            None => (None, lookup_in_file),
        };
        let frame = |function, source| Frame {
            module: mapped.mapping.path.clone(),
            function,
            offset: offset.wrapping_add(into),
            address: Some(lookup_in_file.wrapping_add(into)),
            source,
        };
        let inlined = places
            .into_iter()
            .map(|place| frame(place.function, place.source));
        let (named, source) =
            outermost.map_or((None, None), |place| (place.function, place.source));
        let mut frames: Vec<Frame> = inlined.collect();
        frames.push(frame(function.or(named), source));
        frames
    }

    fn name_without_file(&self, mapped: &Mapped, address: u64, lookup: u64) -> Frame {
        let into = address.wrapping_sub(lookup);
        let mut module = mapped.mapping.path.clone();
        if module.is_empty() {
            module = b"[anon]".to_vec();
        }
        let mut frame = Frame {
            module,
            offset: address.wrapping_sub(mapped.mapping.start),
            address: Some(address),
            ..Frame::default()
        };
        if let Some((map_name, map)) = &self.perf_map
            && let Some((name, offset)) = map
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .find(lookup)
        {
            frame.module = map_name.clone();
            frame.function = Some(demangle(name));
            frame.offset = offset.wrapping_add(into);
        }
        frame
    }
}

/// Bytes below a frame in which its callee keeps the frame's registers.
const KEPT: u64 = 64;

/// The part of the stack with the values of a frame: its own, and those that its callee keeps for it.
fn own_part(walked: &[Walked], at: usize) -> Range<u64> {
    let sp_fn = |at: usize| walked.get(at).and_then(|it| it.sp);
    match (sp_fn(at), sp_fn(at + 1)) {
        (Some(from), Some(to)) => from.saturating_sub(KEPT)..to,
        _ => 0..0,
    }
}

/// True if it is the first of these frames, wherever in the function that one is.
fn is_first(frame: &Frame, runs: &[Vec<Frame>]) -> bool {
    let first = runs.first().and_then(|run| run.first());
    first.is_some_and(|it| (&it.module, &it.function) == (&frame.module, &frame.function))
}

fn is_interpreter(frame: &Frame) -> bool {
    frame.function.as_deref() == Some(INTERPRETER)
}

impl Mapped {
    /// Says where the file wants what is mapped at an address.
    fn in_file(&self, address: u64) -> Option<u64> {
        let offset = address
            .checked_sub(self.mapping.start)?
            .checked_add(self.mapping.offset)?;
        self.image.as_ref()?.address_of(offset)
    }

    /// Says where in memory a variable of the file is.
    fn in_memory(&self, variable: &str) -> Option<u64> {
        let bias = self
            .mapping
            .start
            .wrapping_sub(self.in_file(self.mapping.start)?);
        Some(self.image.as_ref()?.variable(variable)?.wrapping_add(bias))
    }
}
