//! Fits the object to the running kernel: creates its maps, and makes its programs ready to load.
//!
//! `aya::EbpfLoader` does the same, but spends most of its time on two more things: it reads all of
//! the kernel's types, asked for or not, and probes which features the kernel has.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use aya::maps::MapData;
use aya_obj::btf::BtfFeatures;
use aya_obj::{Map, Object};

use crate::btf::KernelTypes;
use crate::refusal::{Refusal, not_taken, refused};
use crate::sys::{self, AttachKind, NewMap, NewProgram};

/// The object, fitted to the running kernel.
#[derive(Debug)]
pub struct FittedObject {
    kernel: KernelTypes,
    object: Object,
    /// The types of its functions, loaded into the kernel.
    types: OwnedFd,
    /// Its maps: name, fd in the kernel, and definition.
    maps: Vec<(String, OwnedFd, Map)>,
}

impl FittedObject {
    /// Fits an object to the running kernel.
    ///
    /// The order matters: the maps must exist before the code can name their fds, and the calls
    /// between functions are relocated last, because that copies the callees' code.
    pub fn of(object: &[u8]) -> Result<FittedObject, Refusal> {
        let kernel = KernelTypes::of(object).map_err(Refusal::NoBtf)?;
        let mut object = Object::parse(object).map_err(not_taken)?;
        // Not probed: the programs call `bpf_loop`, and every kernel that has it has all of these.
        let features = BtfFeatures::new(true, true, true, true, true, true, true, true);
        let types = object
            .fixup_and_sanitize_btf(&features)
            .map_err(not_taken)?;
        let types = types.ok_or_else(|| not_taken("no types"))?.to_bytes();
        let types = sys::load_btf(&types).map_err(refused)?;
        object.relocate_btf(&kernel.types).map_err(not_taken)?;
        let mut maps = Vec::new();
        let fitted: BTreeMap<String, Map> = object.maps.drain().collect();
        for (name, map) in fitted {
            // A new map holds zeros, and nothing here writes initial values.
            if map.data().iter().any(|byte| *byte != 0) {
                return Err(not_taken("a map with something in it"));
            }
            let made = sys::create_map(&NewMap {
                kind: map.map_type(),
                key_size: map.key_size(),
                value_size: map.value_size(),
                max_entries: map.max_entries(),
                flags: map.map_flags(),
            });
            maps.push((name, made.map_err(refused)?, map));
        }
        let sections: HashSet<usize> = object.functions.keys().map(|(at, _)| *at).collect();
        let numbered = maps
            .iter()
            .map(|(name, made, map)| (&name[..], made.as_raw_fd(), map));
        object
            .relocate_maps(numbered, &sections)
            .map_err(not_taken)?;
        object.relocate_calls(&sections).map_err(not_taken)?;
        Ok(FittedObject {
            kernel,
            object,
            types,
            maps,
        })
    }

    /// One of its maps, by an fd of its own.
    pub fn map(&self, name: &str) -> Result<MapData, Refusal> {
        let of_name = self.maps.iter().find(|(other, ..)| other == name);
        let (_, map, _) = of_name.ok_or_else(|| not_taken(format!("no map {name}")))?;
        MapData::from_fd(map.try_clone()?).map_err(not_taken)
    }

    /// Loads an iterator into the kernel: a program that runs over all of the kernel's things of one kind, such as
    /// `task_file`.
    pub fn load_iterator(&self, name: &str, over: &str) -> Result<Program, Refusal> {
        let attached_to = self.kernel.id_of(&format!("bpf_iter_{over}"))?;
        self.load(name, AttachKind::Iterator, attached_to)
    }

    /// Loads a program for a tracepoint, such as `sys_exit`.
    pub fn load_tracepoint(&self, name: &str, tracepoint: &str) -> Result<Program, Refusal> {
        let attached_to = self.kernel.id_of(&format!("btf_trace_{tracepoint}"))?;
        self.load(name, AttachKind::Tracepoint, attached_to)
    }

    fn load(&self, name: &str, kind: AttachKind, attached_to: u32) -> Result<Program, Refusal> {
        let missing = || not_taken(format!("no program {name}"));
        let program = self.object.programs.get(name).ok_or_else(missing)?;
        let function = self.object.functions.get(&program.function_key());
        let function = function.ok_or_else(missing)?;
        let taken = sys::load_program(&NewProgram {
            instructions: &function.instructions,
            license: &program.license,
            btf: self.types.as_fd(),
            functions: &function.func_info.func_info_bytes(),
            function_size: function.func_info_rec_size,
            kind,
            attached_to,
        });
        taken.map(Program).map_err(|(error, said)| {
            // The verifier logs many lines; the last one that is no statistics says the reason.
            let mut lines = said.lines().filter(|line| !line.starts_with("processed "));
            match (refused(error), lines.next_back()) {
                (Refusal::NotTaken(_) | Refusal::TooOld { .. }, Some(line)) => not_taken(line),
                (refusal, _) => refusal,
            }
        })
    }
}

/// A program in the kernel.
#[derive(Debug)]
pub struct Program(OwnedFd);

impl Program {
    /// A file that runs the program when it is read.
    pub fn iterator(&self) -> Result<File, Refusal> {
        sys::iterate(self.0.as_fd()).map_err(refused)
    }

    /// Has the program run at its tracepoint, until the link is dropped: the kernel lets go of it then, and so it does
    /// if this process is killed.
    pub fn attach(&self) -> Result<Link, Refusal> {
        sys::attach(self.0.as_fd()).map(Link).map_err(refused)
    }
}

/// A program that runs at its tracepoint as long as this value lives.
#[derive(Debug)]
pub struct Link(#[expect(dead_code, reason = "it is held, and not used")] OwnedFd);
