//! What the server counts, and the text in which Prometheus reads it. Nothing that is counted says which
//! room or who; each server of a process counts for itself.

mod collectors;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use maru_protocol::{ErrorCode, ServerMessage};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::http;
use crate::hub::Hub;
use crate::relay::RelayCounters;

use self::collectors::{Present, Relayed};

/// The path of the text.
const METRICS_PATH: &str = "/metrics";

/// The format that the text is in.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Readers at a time: there is one Prometheus, perhaps two, and a person.
const READERS: usize = 8;

/// How long one reader may take.
const READING: Duration = Duration::from_secs(10);

/// How long the server waits when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Bounds of the buckets of times, in seconds.
const TIMES: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// A family with one label.
type Labelled = Family<[(&'static str, &'static str); 1], Counter>;

/// What is counted as it happens.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) messages_received: Counter,
    pub(crate) accept_errors: Counter,
    messages_sent: Counter,
    signals: Counter,
    resumed: Counter,
    slow_readers: Counter,
    turned_away: Counter,
    refusals: Labelled,
    join_seconds: Histogram,
}

impl Metrics {
    /// Nothing counted yet.
    pub(crate) fn new() -> Self {
        Self {
            messages_received: Counter::default(),
            accept_errors: Counter::default(),
            messages_sent: Counter::default(),
            signals: Counter::default(),
            resumed: Counter::default(),
            slow_readers: Counter::default(),
            turned_away: Counter::default(),
            refusals: Labelled::default(),
            join_seconds: Histogram::new(TIMES),
        }
    }

    /// A message goes to `receivers` clients.
    pub(crate) fn sent(&self, message: &ServerMessage, receivers: usize) {
        self.messages_sent.inc_by(u64::try_from(receivers).unwrap_or(u64::MAX));
        match message {
            ServerMessage::Signal { .. } => {
                self.signals.inc();
            }
            ServerMessage::Joined { resumed: true, .. } => {
                self.resumed.inc();
            }
            ServerMessage::Error { code, .. } => {
                self.refusals.get_or_create(&[("code", name(*code))]).inc();
            }
            _ => {}
        }
    }

    /// A client was too slow and is dropped.
    pub(crate) fn too_slow(&self) {
        self.slow_readers.inc();
    }

    /// A socket was refused, with or without a word.
    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// A client is in its room so long after its WebSocket was opened.
    pub(crate) fn joined(&self, after: Duration) {
        self.join_seconds.observe(after.as_secs_f64());
    }

    fn register(&self, to: &mut Registry) {
        let mut count = |name: &str, help: &str, counter: &Counter| to.register(name, help, counter.clone());
        count("messages_received", "Messages of clients", &self.messages_received);
        count("messages_sent", "Messages to clients", &self.messages_sent);
        count("signals", "Signals passed on from one participant to another", &self.signals);
        count("resumed", "Participants who took their place back after a broken connection", &self.resumed);
        count("slow_readers", "Clients dropped because they read too slowly", &self.slow_readers);
        count("turned_away", "Sockets over the server's or an address's limit", &self.turned_away);
        count("accept_errors", "Failures to accept a connection", &self.accept_errors);
        to.register("refusals", "Errors told to clients, by their code", self.refusals.clone());
        let help = "Seconds from the opening of a WebSocket to its participant being in the room";
        to.register("join_seconds", help, self.join_seconds.clone());
    }
}

/// The code as clients see it.
fn name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Malformed => "malformed",
        ErrorCode::MessageTooLarge => "message_too_large",
        ErrorCode::TooManyMessages => "too_many_messages",
        ErrorCode::TooManyConnections => "too_many_connections",
        ErrorCode::TooManyJoins => "too_many_joins",
        ErrorCode::Overloaded => "overloaded",
        ErrorCode::UnsupportedVersion => "unsupported_version",
        ErrorCode::BadRoomName => "bad_room_name",
        ErrorCode::BadDisplayName => "bad_display_name",
        ErrorCode::RoomFull => "room_full",
        ErrorCode::NotJoined => "not_joined",
        ErrorCode::AlreadyJoined => "already_joined",
        ErrorCode::NoSuchPeer => "no_such_peer",
        ErrorCode::Unauthorized => "unauthorized",
        ErrorCode::JoinTimeout => "join_timeout",
        ErrorCode::Internal => "internal",
        ErrorCode::Unknown => "unknown",
    }
}

/// Everything that has something to tell.
pub(crate) struct Report {
    registry: Mutex<Registry>,
}

impl Report {
    /// What the server itself tells.
    pub(crate) fn new(metrics: &Metrics, hub: Arc<Hub>, sockets: TaskTracker) -> Self {
        let mut registry = Registry::with_prefix("maru");
        metrics.register(&mut registry);
        let report = Self { registry: Mutex::new(registry) };
        report.add(Box::new(Present { hub, sockets }));
        report
    }

    /// What the relay tells beside it.
    pub(crate) fn add_relay(&self, counters: Arc<RelayCounters>) {
        self.add(Box::new(Relayed(counters)));
    }

    /// Something more that tells about itself whenever it is asked. Names get the prefix `maru_`.
    fn add(&self, collector: Box<dyn Collector>) {
        self.registry.lock().register_collector(collector);
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = text::encode(&mut text, &self.registry.lock());
        text
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").finish_non_exhaustive()
    }
}

/// Serves the text on a socket of its own, for ever.
pub(crate) async fn serve(listener: TcpListener, report: &Arc<Report>) {
    let readers = Arc::new(Semaphore::new(READERS));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Ok(place) = Arc::clone(&readers).try_acquire_owned() else { continue };
                let report = Arc::clone(report);
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(READING, answer(stream, peer, &report)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a reader of the metrics just now");
                tokio::time::sleep(OUT_OF_SOCKETS).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, peer: SocketAddr, report: &Report) {
    let service = service_fn(|request: Request<Incoming>| async move {
        let known = request.uri().path() == METRICS_PATH && request.method() == Method::GET;
        Ok::<Response, std::convert::Infallible>(if known {
            ([(header::CONTENT_TYPE, OPEN_METRICS)], report.text()).into_response()
        } else {
            (StatusCode::NOT_FOUND, "The metrics are at /metrics.\n").into_response()
        })
    });
    if let Err(error) = http::builder().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, %peer, "a reader of the metrics went early");
    }
}
