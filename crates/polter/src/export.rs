//! `polter export`: what scans find, for Prometheus.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use polter_export::{Health, Metrics, Sample, Stop, serve};
use polter_scan::{Limits, Proc, Report, ScanError, Scope};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::ExportArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ignored;

/// How long processes are watched where only some holders can name a file.
const WINDOW: Duration = Duration::from_millis(250);

/// A scan is followed by a pause of at least so many times its length: it takes a twentieth of a core at most.
const REST: u32 = 19;

/// Serves until a signal says so.
pub(crate) fn export(args: &ExportArgs, console: &Console) -> Result<Exit, Failure> {
    let listener = TcpListener::bind(args.listen).map_err(|source| Failure::Listen {
        address: args.listen,
        source,
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let health = Arc::new(Health::new(args.interval * 3 + Duration::from_secs(60)));
    let (stop, stopped) = Stop::new();
    let mut signals =
        Signals::new(ignored::others(&[SIGINT, SIGTERM, SIGHUP])).map_err(Failure::Signals)?;
    let handle = signals.handle();
    let (ends, over) = channel();
    let mut scanner = Scanner {
        scanner: polter_scan::Scanner::new(args.source.into()),
        interval: args.interval,
        most_series: args.max_series as usize,
        metrics: Arc::clone(&metrics),
        health: Arc::clone(&health),
    };
    // The first scan tells at once what cannot be seen.
    scanner.scan().map_err(Failure::from)?;
    console.note(format!(
        "http://{address}/metrics, scanned every {}",
        humantime::format_duration(args.interval)
    ));
    let waits = thread::spawn(move || {
        if signals.forever().next().is_some() {
            stop.now();
        }
    });
    let scans = thread::spawn(move || scanner.go_on(&over));
    let served = serve(listener, metrics, health, stopped);
    handle.close();
    drop(ends);
    let _ = (waits.join(), scans.join());
    served.map_err(Failure::Serve)?;
    Ok(Exit::Clean)
}

/// Scans again and again.
struct Scanner {
    scanner: polter_scan::Scanner,
    interval: Duration,
    most_series: usize,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Scanner {
    /// Until the other end of the channel is dropped.
    fn go_on(mut self, over: &Receiver<()>) {
        let mut pause = self.interval;
        while over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let begun = Instant::now();
            let is_ok = self.scan().is_ok();
            if !is_ok {
                self.metrics.fail();
                self.health.note(false);
            }
            let took = begun.elapsed();
            pause = self.interval.saturating_sub(took).max(took * REST);
        }
    }

    fn scan(&mut self) -> Result<(), ScanError> {
        let begun = Instant::now();
        let proc = Proc::live();
        let mut snapshot = self.scanner.take(&proc, &Scope::All, &Limits::default())?;
        let took = begun.elapsed();
        snapshot.gather_evidence(&proc, WINDOW);
        let report = Report::of(&snapshot);
        self.metrics
            .put(&Sample::of(&report, &proc, took, self.most_series));
        self.health.note(true);
        Ok(())
    }
}
