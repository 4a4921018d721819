//! `polter completions` and `polter man`: generated from the definitions of the command line.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Writes a shell's completions to standard output.
pub(crate) fn completions(shell: Shell, console: &Console) -> Result<Exit, Failure> {
    // Into memory first, because the generator panics on a broken pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "polter", &mut script);
    let mut out = console.out();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Clean)
}

/// Writes polter(1) to standard output, or every page into a directory.
pub(crate) fn man(dir: Option<&Path>, console: &Console) -> Result<Exit, Failure> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        let mut out = console.out();
        out.write_all(&page)?;
        out.flush()?;
        return Ok(Exit::Clean);
    };
    fs::create_dir_all(dir).map_err(Failure::write_file(dir))?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(Failure::write_file(dir))?;
    Ok(Exit::Clean)
}
