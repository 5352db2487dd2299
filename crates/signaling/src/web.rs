//! What the server answers over HTTP: the WebSocket, the health report, and a page that says what
//! this is.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Router, body::Body};
use maru_protocol::{SUBPROTOCOL, WEBSOCKET_PATH};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::access::origin_allowed;
use crate::addresses::Visit;
use crate::connection::{serve, turn_away};
use crate::discard::Discard;
use crate::health::{HEALTH_PATH, Health};
use crate::hub::Hub;
use crate::refusal::Refusal;

/// A WebSocket's read buffer. Messages are small; the library's own 128 KiB would be most of what a
/// connection costs.
const BUFFER_BYTES: usize = 4 * 1024;

/// A message may be this many times larger than allowed and is still read, so that it can be answered
/// like any other mistake. Anything larger ends the connection.
const READABLE_EXCESS: usize = 4;

/// What every request needs.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) hub: Arc<Hub>,
    pub(crate) config: Arc<Config>,
    /// Only programs on this machine can reach the server.
    pub(crate) listens_on_loopback: bool,
    /// Counts WebSockets, so that the server can wait for their end.
    pub(crate) tracker: TaskTracker,
    /// Ends WebSockets at once.
    pub(crate) kill: CancellationToken,
}

/// The connection that a request came on.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) visit: Arc<Visit>,
    pub(crate) discard: Discard,
}

/// All paths.
pub(crate) fn router(web: Arc<Web>) -> Router {
    Router::new()
        .route("/", get(|| async { page(StatusCode::OK) }))
        .route(HEALTH_PATH, get(health))
        .route(WEBSOCKET_PATH, any(websocket))
        .fallback(|| async { page(StatusCode::NOT_FOUND) })
        .with_state(web)
}

async fn health(State(web): State<Arc<Web>>) -> Response {
    let (rooms, peers) = web.hub.counts();
    let report = serde_json::to_string(&Health::of(rooms, peers)).unwrap_or_default();
    response(StatusCode::OK, "application/json", report)
}

async fn websocket(
    State(web): State<Arc<Web>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let allowed = &web.config.allowed_origins;
    if !origin_allowed(header(header::ORIGIN), header(header::HOST), web.listens_on_loopback, allowed) {
        let text = "Pages of other web sites may not connect to this Maru server.\n";
        return response(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", text);
    }
    let Ok(upgrade) = upgrade else { return page(StatusCode::UPGRADE_REQUIRED) };

    let limits = &web.config.limits;
    let readable = (limits.message_bytes as usize).saturating_mul(READABLE_EXCESS);
    let mut upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(readable)
        .max_frame_size(readable);

    let refusal = if upgrade.selected_protocol().is_none() {
        // Many clients drop a connection on which none of their protocols was chosen. One is, so that
        // they hear why it goes no further.
        let offered = upgrade.requested_protocols().next().cloned();
        if let Some(offered) = offered {
            upgrade.set_selected_protocol(offered);
        }
        Some(Refusal::unsupported_version())
    } else if caller.visit.nth() > limits.connections_per_address {
        Some(Refusal::too_many_connections(limits))
    } else {
        None
    };

    let counted = web.tracker.token();
    upgrade.on_upgrade(move |socket| async move {
        let Caller { visit, discard } = caller;
        let serving = async {
            match refusal {
                Some(refusal) => turn_away(socket, refusal).await,
                None => serve(socket, Arc::clone(&web.hub), Arc::clone(&web.config), discard).await,
            }
        };
        tokio::select! {
            () = serving => {}
            () = web.kill.cancelled() => {}
        }
        drop((visit, counted));
    })
}

/// A page for people who look at the server with a browser.
fn page(status: StatusCode) -> Response {
    let text = format!(
        "This is a Maru server, version {}.\n\n\
         Maru is a video-call app: whoever types the same room name meets. To meet here, give the app this \
         server's address, such as ws://HOST:PORT{WEBSOCKET_PATH}\n",
        env!("CARGO_PKG_VERSION")
    );
    response(status, "text/plain; charset=utf-8", text)
}

fn response(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.into()).into_response()
}
