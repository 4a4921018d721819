//! Lists the scenarios, so that they are part of the library. The folder is a link here, and whole in a package.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let folder = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("scenarios")
        .canonicalize()
        .expect("the scenarios are there");
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = fs::read_dir(&folder).expect("the scenarios can be listed");
    let paths = files.map(|file| file.expect("a folder can be listed").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "strace"))
        .collect();
    paths.sort_by(|a, b| a.file_stem().cmp(&b.file_stem()));
    let mut list = String::from("&[\n");
    for path in &paths {
        let name = path.file_stem().expect("a file has a name");
        let name = name.to_str().expect("a scenario's name is text");
        writeln!(
            list,
            "    Scenario {{ name: {name:?}, text: include_str!({path:?}) }},"
        )
        .expect("a string takes everything");
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("suite.rs"), list).expect("the list can be written");
}
