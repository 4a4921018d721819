//! The addresses: `/metrics`, `/livez`, `/readyz`.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{Semaphore, oneshot};

use crate::metrics::Metrics;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections that are served at once; the others wait.
const MAX_CONNECTIONS: usize = 64;

/// How long a request may take to arrive, and how long those under way have at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a request's head.
const MAX_HEAD: usize = 16 << 10;

/// Whether the scans go on.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    /// When the last scan ended, well or not, and when one last succeeded; in milliseconds, and 0 for never.
    tried: AtomicU64,
    succeeded: AtomicU64,
    /// Without a scan for so long, something hangs.
    at_most: Duration,
}

impl Health {
    /// Scans are to come at least so often.
    pub fn new(at_most: Duration) -> Health {
        Health {
            started: Instant::now(),
            tried: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            at_most,
        }
    }

    /// A scan has ended.
    pub fn note(&self, is_ok: bool) {
        let now = self.now();
        self.tried.store(now, Ordering::Relaxed);
        if is_ok {
            self.succeeded.store(now, Ordering::Relaxed);
        }
    }

    /// True if a scan has ended lately, or polter has just begun.
    fn is_alive(&self) -> bool {
        let age = self
            .now()
            .saturating_sub(self.tried.load(Ordering::Relaxed));
        u128::from(age) <= self.at_most.as_millis()
    }

    /// True once there is something to serve, if it is not too old.
    fn is_ready(&self) -> bool {
        let succeeded = self.succeeded.load(Ordering::Relaxed);
        succeeded > 0
            && u128::from(self.now().saturating_sub(succeeded)) <= self.at_most.as_millis()
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64 + 1
    }
}

/// Ends a server; it goes on if this is dropped.
#[derive(Debug)]
pub struct Stop(oneshot::Sender<()>);

/// Is told to end.
#[derive(Debug)]
pub struct Stopped(oneshot::Receiver<()>);

impl Stop {
    /// The two ends.
    pub fn new() -> (Stop, Stopped) {
        let (stop, stopped) = oneshot::channel();
        (Stop(stop), Stopped(stopped))
    }

    /// Ends the server, if it still runs.
    pub fn now(self) {
        let _ = self.0.send(());
    }
}

impl Stopped {
    async fn wait(self) {
        if self.0.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Serves until it is stopped; then lets the requests under way end.
///
/// # Errors
///
/// Those of the listener.
pub fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stopped: Stopped,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(listener, metrics, health, stopped))
}

async fn run(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stopped: Stopped,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let stop = stopped.wait();
    tokio::pin!(stop);
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accept => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of fds, or the peer is gone again: the next one may be better.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (metrics, health) = (Arc::clone(&metrics), Arc::clone(&health));
        let answer_fn = service_fn(move |request: Request<Incoming>| {
            let answer = answer(request.method(), request.uri().path(), &metrics, &health);
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), answer_fn);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A peer that breaks off is none of ours.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(PATIENCE, graceful.shutdown()).await;
    Ok(())
}

fn answer(
    method: &Method,
    path: &str,
    metrics: &Metrics,
    health: &Health,
) -> Response<Full<Bytes>> {
    let text = "text/plain; charset=utf-8";
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = say(StatusCode::METHOD_NOT_ALLOWED, text, "only GET\n");
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let whether = |is_well, well: &'static str, ill: &'static str| match is_well {
        true => say(StatusCode::OK, text, well),
        false => say(StatusCode::SERVICE_UNAVAILABLE, text, ill),
    };
    match path {
        "/metrics" => match metrics.text() {
            Ok(all) => say(StatusCode::OK, OPENMETRICS, all),
            Err(_) => say(StatusCode::INTERNAL_SERVER_ERROR, text, "no text\n"),
        },
        "/livez" | "/healthz" => whether(
            health.is_alive(),
            "ok\n",
            "no scan has ended for a long time\n",
        ),
        "/readyz" => whether(health.is_ready(), "ok\n", "no scan has succeeded lately\n"),
        "/" => say(StatusCode::OK, text, "polter: /metrics, /livez, /readyz\n"),
        _ => say(
            StatusCode::NOT_FOUND,
            text,
            "there are /metrics, /livez and /readyz\n",
        ),
    }
}

fn say(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
