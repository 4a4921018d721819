//! Records running processes until Ctrl-C or their end: `record FILE PID…`.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use polter_record::{Recorder, Scope};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let file = BufWriter::new(File::create(args.next().ok_or("record FILE PID…")?)?);
    let pids = args.map(|pid| pid.parse()).collect::<Result<_, _>>()?;
    let scope = Scope::Processes {
        pids,
        follows: true,
    };
    let mut recorder = Recorder::start(&scope, file, "an example")?;
    while recorder.is_anybody_alive() {
        if recorder.drain()? == 0 {
            recorder.wait(Duration::from_millis(10))?;
        }
    }
    let (told, _) = recorder.finish()?;
    writeln!(
        io::stdout(),
        "{} lines, {} events lost",
        told.lines,
        told.lost
    )?;
    Ok(())
}
