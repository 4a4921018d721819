//! The metrics, by the names that Prometheus knows them by.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::sample::Sample;

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge>;

/// Upper bounds of the histogram of scans, in seconds: a small machine takes milliseconds, one with a hundred thousand
/// registrations and no privileges takes seconds.
const BOUNDS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// All that is served.
#[derive(Debug)]
pub struct Metrics {
    /// Held while a sample is put in, and while the text is made: no scrape sees half of a scan.
    registry: Mutex<Registry>,
    ghosts: Gauges,
    findings: Gauges,
    findings_in_others: Gauge,
    processes: Gauge,
    unseen: Gauges,
    instances: Gauge,
    registrations: Gauge,
    unknown: Gauge,
    scanned_at: Gauge<f64, AtomicU64>,
    way: Gauges,
    took: Histogram,
    scans: Family<Labels, Counter>,
}

impl Metrics {
    /// No scan has been made yet.
    pub fn new(version: &str) -> Metrics {
        let metrics = Metrics {
            ghosts: Family::default(),
            findings: Family::default(),
            findings_in_others: Gauge::default(),
            processes: Gauge::default(),
            unseen: Family::default(),
            instances: Gauge::default(),
            registrations: Gauge::default(),
            unknown: Gauge::default(),
            scanned_at: Gauge::default(),
            way: Family::default(),
            took: Histogram::new(BOUNDS),
            scans: Family::default(),
            registry: Mutex::default(),
        };
        let registry = metrics.named(version);
        for result in ["ok", "error"] {
            let labels = vec![("result", result.to_owned())];
            drop(metrics.scans.get_or_create(&labels));
        }
        Metrics {
            registry: Mutex::new(registry),
            ..metrics
        }
    }

    /// All of them, by their names.
    fn named(&self, version: &str) -> Registry {
        let mut registry = Registry::with_prefix("polter");
        let build = Info::new(vec![("version", version.to_owned())]);
        registry.register("build", "The polter that is running", build);
        for (name, help, gauges) in [
            (
                "ghosts",
                "Registrations that outlive their fd",
                &self.ghosts,
            ),
            (
                "findings",
                "Findings of the last scan, ghosts among them",
                &self.findings,
            ),
            (
                "processes_unseen",
                "Processes that the last scan could not read: a ghost there is not counted",
                &self.unseen,
            ),
            (
                "scan_source",
                "How the last scan was made: by a walk in the kernel (bpf), or by /proc",
                &self.way,
            ),
        ] {
            registry.register(name, help, gauges.clone());
        }
        for (name, help, gauge) in [
            (
                "findings_without_series",
                "Findings of programs beyond the limit of series, counted as (others)",
                &self.findings_in_others,
            ),
            (
                "processes",
                "Processes that the last scan read",
                &self.processes,
            ),
            (
                "instances",
                "Epoll instances that the last scan read",
                &self.instances,
            ),
            (
                "registrations",
                "Registrations of those instances",
                &self.registrations,
            ),
            (
                "registrations_unknown",
                "Registrations that may or may not be ghosts: the scan could not tell, or left them out",
                &self.unknown,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        let unit = || Unit::Seconds;
        registry.register_with_unit(
            "scan_timestamp",
            "When the last scan that succeeded ended, since 1970",
            unit(),
            self.scanned_at.clone(),
        );
        registry.register_with_unit(
            "scan_duration",
            "How long scans take",
            unit(),
            self.took.clone(),
        );
        registry.register("scans", "Scans so far, by their end", self.scans.clone());
        registry
    }

    /// Puts a scan in the place of the last one.
    pub fn put(&self, sample: &Sample) {
        let _whole = self.registry();
        self.ghosts.clear();
        self.findings.clear();
        self.unseen.clear();
        self.way.clear();
        for (series, count) in &sample.findings.kept {
            let mut labels = series.labels();
            if series.class.is_ghost() {
                add(&self.ghosts, &labels, *count);
            }
            labels.push(("severity", series.severity().to_owned()));
            add(&self.findings, &labels, *count);
        }
        for (reason, count) in sample.unseen {
            add(&self.unseen, &vec![("reason", reason.to_owned())], count);
        }
        add(&self.way, &vec![("source", sample.way.to_owned())], 1);
        for (gauge, value) in [
            (&self.findings_in_others, sample.findings.others),
            (&self.processes, sample.processes),
            (&self.instances, sample.instances),
            (&self.registrations, sample.registrations),
            (&self.unknown, sample.unknown),
        ] {
            gauge.set(value.cast_signed());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.scanned_at.set(now.map_or(0.0, |it| it.as_secs_f64()));
        self.took.observe(sample.took.as_secs_f64());
        self.count("ok");
    }

    /// A scan has failed: what the last one found still stands, and its time tells how old it is.
    pub fn fail(&self) {
        self.count("error");
    }

    /// All metrics, in the text of OpenMetrics 1.0.
    ///
    /// # Errors
    ///
    /// None that is known: a string takes all.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry())?;
        Ok(text)
    }

    fn count(&self, result: &str) {
        let labels = vec![("result", result.to_owned())];
        self.scans.get_or_create(&labels).inc();
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn add(gauges: &Gauges, labels: &Labels, count: u64) {
    gauges.get_or_create(labels).inc_by(count.cast_signed());
}
