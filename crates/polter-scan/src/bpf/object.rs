//! The object, fitted to the running kernel: its maps made, its programs ready to be taken.
//!
//! What `aya::EbpfLoader` does, but for two things that take longer than all the rest: that one
//! reads all of the kernel's types, asked or not, and tries out what the kernel can do.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use aya::maps::MapData;
use aya_obj::btf::BtfFeatures;
use aya_obj::{Map, Object};

use super::btf::Kernel;
use super::load::Refusal;
use super::sys::{self, NewMap, NewProgram};

/// The object's programs and maps.
#[derive(Debug)]
pub(super) struct Programs {
    object: Object,
    /// The types of its functions, in the kernel.
    types: OwnedFd,
    /// By the numbers they have in the programs' code.
    maps: Vec<(String, OwnedFd, Map)>,
}

impl Programs {
    /// Fits an object to the kernel.
    pub(super) fn of(object: &[u8], kernel: &Kernel) -> Result<Programs, Refusal> {
        let mut object = Object::parse(object).map_err(not_taken)?;
        // What calls `bpf_loop` runs on no kernel that does not know all of these.
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
            // Nothing but zeros is in a map that is new.
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
        Ok(Programs {
            object,
            types,
            maps,
        })
    }

    /// One of its maps, by another descriptor.
    pub(super) fn map(&self, name: &str) -> Result<MapData, Refusal> {
        let of_name = self.maps.iter().find(|(other, ..)| other == name);
        let (_, map, _) = of_name.ok_or_else(|| not_taken(format!("no map {name}")))?;
        MapData::from_fd(map.try_clone()?).map_err(not_taken)
    }

    /// Has the kernel take a program.
    pub(super) fn load(&self, name: &str, attached_to: u32) -> Result<Program, Refusal> {
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
            attached_to,
        });
        taken.map(Program).map_err(|(error, said)| {
            // The verifier says more than a line.
            let mut lines = said.lines().filter(|line| !line.starts_with("processed "));
            match (refused(error), lines.next_back()) {
                (Refusal::NotTaken(_), Some(line)) => not_taken(line),
                (refusal, _) => refusal,
            }
        })
    }
}

/// A program the kernel has taken.
#[derive(Debug)]
pub(super) struct Program(OwnedFd);

impl Program {
    /// What runs it when it is read.
    pub(super) fn iterator(&self) -> Result<File, Refusal> {
        sys::iterate(self.0.as_fd()).map_err(refused)
    }
}

/// A program that does not pass is refused by EACCES, a user by EPERM.
fn refused(error: io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(libc::EPERM) => Refusal::NotPermitted,
        _ => not_taken(error),
    }
}

/// What is behind an error.
pub(super) fn not_taken(error: impl Into<Box<dyn Error>>) -> Refusal {
    let error = error.into();
    let mut cause: &dyn Error = &*error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    let line = text.trim().lines().next_back().unwrap_or_default();
    Refusal::NotTaken(line.chars().take(200).collect())
}
