//! What the server answers over HTTP: the guest's page, the WebSocket, and the health report.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maru_protocol::{SUBPROTOCOL, ServerMessage, TUNNEL_SUBPROTOCOL, WEBSOCKET_PATH};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::access::origin_allowed;
use crate::addresses::{Addresses, Visit};
use crate::connection::{Arrival, serve, turn_away};
use crate::discard::Discard;
use crate::health::{HEALTH_PATH, Health};
use crate::hub::{Hub, busy};
use crate::links::{Entrances, bases};
use crate::metrics::{Metrics, Report};
use crate::page::{FILES_PREFIX, Page, safety};
use crate::reach::{Reach, raw_host};
use crate::refusal::Refusal;
use crate::relay::{Ice, OwnRelay};
use crate::visitors::Visitors;

/// A WebSocket's read buffer, which is the larger part of what an idle connection costs. Most messages
/// fit; it grows for those that do not.
const BUFFER_BYTES: usize = 1024;

/// A message may be this many times larger than allowed and is still read, so that it can be answered
/// like any other mistake. Anything larger ends the connection.
const READABLE_EXCESS: usize = 4;

/// Clients that are turned away because the server is full come back after so many seconds,
const SOON: u32 = 3;

/// and up to so many more.
const SPREAD: u32 = 8;

/// What every request needs.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) hub: Arc<Hub>,
    pub(crate) config: Arc<Config>,
    pub(crate) page: Page,
    /// What clients are told of STUN and TURN.
    pub(crate) ice: Ice,
    /// STUN and TURN of this server's own.
    pub(crate) relay: Option<OwnRelay>,
    pub(crate) entrances: Entrances,
    /// Counts WebSockets by the client's address.
    pub(crate) connections: Arc<Addresses>,
    /// Counts those that stay open for long before they join.
    pub(crate) early: Arc<Addresses>,
    /// What each address does over time.
    pub(crate) visitors: Visitors,
    pub(crate) metrics: Metrics,
    pub(crate) report: Arc<Report>,
    /// The system gives no more sockets.
    pub(crate) no_sockets: AtomicBool,
    pub(crate) postponed: AtomicU32,
    /// Knows all WebSockets, so that the server can wait for their end.
    pub(crate) tracker: TaskTracker,
    /// Ends WebSockets at once.
    pub(crate) kill: CancellationToken,
}

/// The socket that a connection came to.
#[derive(Debug)]
pub(crate) struct Door {
    /// Only programs on this machine can reach it.
    pub(crate) is_loopback: bool,
    pub(crate) secure: bool,
    /// Browsers get nothing here.
    pub(crate) apps_only: bool,
    /// Of a certificate that the server signed itself.
    pub(crate) fingerprint: Option<String>,
}

/// The connection that a request came on.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) door: Arc<Door>,
    pub(crate) peer: SocketAddr,
    /// The own address that it came to.
    pub(crate) local: Option<IpAddr>,
    /// `None` for a proxy.
    pub(crate) visit: Option<Arc<Visit>>,
    pub(crate) discard: Discard,
    /// It came when there were enough already: it is only told so.
    pub(crate) surplus: bool,
}

impl Web {
    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, caller: Caller, request: Request<Body>) -> Response {
        let (mut parts, _) = request.into_parts();
        let reach =
            Reach::new(caller.peer.ip(), caller.door.secure, &parts.headers, &self.config.trusted_proxies);
        let host = reach.host.clone();
        let whole = parts.uri.path().to_owned();
        let for_browsers = !caller.door.apps_only;
        let mut response = match whole.strip_prefix(&self.config.base_path) {
            Some("") => {
                (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{whole}/"))]).into_response()
            }
            Some(WEBSOCKET_PATH) => self.websocket(caller, reach, &mut parts).await,
            _ if !for_browsers => words(StatusCode::NOT_FOUND),
            _ if !matches!(parts.method, Method::GET | Method::HEAD) => words(StatusCode::METHOD_NOT_ALLOWED),
            Some(HEALTH_PATH) => self.health(),
            Some(_) if caller.surplus => self.full(),
            Some(path) => self.page(path, &parts),
            None => words(StatusCode::NOT_FOUND),
        };
        if !response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
            safety::protect(response.headers_mut(), host.as_deref());
        }
        response
    }

    /// The page or one of its files; see [`crate::page`].
    fn page(&self, path: &str, request: &Parts) -> Response {
        let Some(path) = path.strip_prefix('/') else { return words(StatusCode::NOT_FOUND) };
        let file = path.split_once('/').filter(|(first, _)| *first == FILES_PREFIX);
        match file.and_then(|(_, rest)| rest.split_once('/')) {
            Some((version, file)) => self.page.file(version, file, &request.headers),
            None if !path.contains('/') => self.page.index(&request.headers),
            None => words(StatusCode::NOT_FOUND),
        }
    }

    fn health(&self) -> Response {
        let mut troubles = Vec::new();
        troubles.extend(self.no_sockets.load(Ordering::Relaxed).then_some("sockets"));
        let (rooms, peers) = self.hub.counts();
        let full = self.tracker.len() > self.config.max_connections || rooms >= self.config.max_rooms;
        troubles.extend(full.then_some("full"));
        let bus = self.hub.bus_report();
        troubles.extend(bus.as_ref().is_some_and(|(up, _)| !up).then_some("bus"));
        let report = serde_json::to_string(&Health::of(rooms, peers, &troubles, bus)).unwrap_or_default();
        // Whoever shares out clients between servers goes by the status.
        let status = if full { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        response(status, "application/json", report)
    }

    /// After how many seconds a client may try again; not the same for all, who would come at once.
    pub(crate) fn retry_after(&self) -> u32 {
        SOON + self.postponed.fetch_add(1, Ordering::Relaxed) % SPREAD
    }

    /// The answer while there are too many connections.
    fn full(&self) -> Response {
        let retry_after = self.retry_after();
        let text = format!("This Maru server is full just now. Try again in {retry_after} seconds.\n");
        let mut response = response(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", text);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, retry_after.into());
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    async fn websocket(self: Arc<Self>, caller: Caller, reach: Reach, request: &mut Parts) -> Response {
        let header =
            |name: HeaderName| request.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let host = if reach.through_proxy { reach.host.as_deref() } else { raw_host(&request.headers) };
        let loopback_only = caller.door.is_loopback && !reach.through_proxy;
        let browser_at_apps_door = caller.door.apps_only && request.headers.contains_key(header::ORIGIN);
        if browser_at_apps_door || !origin_allowed(header(header::ORIGIN), host, loopback_only, &self.config)
        {
            let text = "Pages of other web sites may not connect to this Maru server.\n";
            return response(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", text);
        }
        let Ok(upgrade) = WebSocketUpgrade::from_request_parts(request, &()).await else {
            return words(StatusCode::UPGRADE_REQUIRED);
        };

        // Without its own sockets it forgets nothing and guards no address: then there is none.
        let own = self.relay.as_ref().filter(|own| own.urls().is_some());
        let limits = &self.config.limits;
        let readable = (limits.message_bytes as usize).saturating_mul(READABLE_EXCESS);
        let mut upgrade = upgrade
            .protocols([SUBPROTOCOL].into_iter().chain(own.map(|_| TUNNEL_SUBPROTOCOL)))
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(readable)
            .max_frame_size(readable);

        let Caller { door, visit, discard, peer, local, surplus } = caller;
        let counted = self.connections.enter(reach.address);
        let words: Option<Vec<ServerMessage>> = if upgrade.selected_protocol().is_none() {
            // Many clients drop a connection on which none of their protocols was chosen. One is, so that
            // they hear why it goes no further.
            let offered = upgrade.requested_protocols().next().cloned();
            if let Some(offered) = offered {
                upgrade.set_selected_protocol(offered);
            }
            Some(vec![Refusal::unsupported_version().into()])
        } else if surplus {
            let retry_after = self.retry_after();
            Some(vec![Refusal::overloaded(retry_after).into(), busy(retry_after)])
        } else if counted.nth() > limits.connections_per_address {
            Some(vec![Refusal::too_many_connections(limits).into()])
        } else {
            None
        };

        let turn = upgrade.selected_protocol().is_some_and(|protocol| protocol == TUNNEL_SUBPROTOCOL);
        let turn = own.filter(|_| turn).map(|own| Arc::clone(own.relay()));
        let known = self.tracker.token();
        upgrade.on_upgrade(move |socket| {
            // Until the WebSocket's end.
            let held = (visit, counted, known);
            // A task of its own: what the upgrade needed is freed, and most connections then rest for
            // hours.
            match (words, turn) {
                (Some(words), _) => {
                    for word in &words {
                        self.metrics.sent(word, 1);
                    }
                    drop(tokio::spawn(turn_away(socket, words, self.kill.clone(), held)));
                }
                (None, Some(relay)) => {
                    // A proxy's own address says nothing of where the client's packets should leave.
                    let local = local.filter(|_| !reach.through_proxy);
                    let remote = SocketAddr::new(reach.address, peer.port());
                    let kill = self.kill.clone();
                    tokio::spawn(async move {
                        let serving = relay.serve_websocket(socket, remote, local);
                        kill.run_until_cancelled(serving).await;
                        drop(held);
                    });
                }
                (None, None) => {
                    let fingerprint = door.fingerprint.as_deref().filter(|_| !reach.through_proxy);
                    let bases = bases(&self.config, &self.entrances, &reach, fingerprint);
                    let here = reach.address.is_loopback() && !reach.through_proxy;
                    let urls = self.relay.as_ref().and_then(OwnRelay::urls);
                    let ice = self.ice.offer(reach.host.as_deref(), here, urls);
                    let arrival = Arrival { address: reach.address, bases, ice };
                    let visitor = self.visitors.of(Instant::now(), reach.address);
                    drop(tokio::spawn(serve(socket, Arc::clone(&self), visitor, arrival, discard, held)));
                }
            }
            std::future::ready(())
        })
    }
}

/// For people who look with a browser where there is no page.
fn words(status: StatusCode) -> Response {
    let text = format!(
        "This is a Maru server, version {}.\n\n\
         Maru is a video-call app: whoever types the same room name meets. To meet here, open this server's \
         address followed by a slash and the room's name, or give the app this server's address, such as \
         ws://HOST:PORT{WEBSOCKET_PATH}\n",
        env!("CARGO_PKG_VERSION")
    );
    response(status, "text/plain; charset=utf-8", text)
}

fn response(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.into()).into_response()
}
