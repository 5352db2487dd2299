//! The server that needs no setting up: the Maru server that already listens on this machine's loopback
//! port, or else one that is started there, inside this program.
//!
//! So two programs on one machine meet with nothing configured. When the program that runs the server
//! ends, the others call [`find_or_start`] again: one of them starts the next server, and everybody
//! keeps their id.
//!
//! Two machines of one network meet by a [`Network`]: it advertises the rooms of this machine's server, and
//! says where the people of a room meet when others have it on theirs.

mod embedded;
mod lan;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use maru_protocol::WEBSOCKET_PATH;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::health::{HEALTH_PATH, Health};
use crate::{ServerError, listen};
use embedded::Embedded;
pub use lan::{MeetingPlace, Network};

/// How long a server on this machine may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How long to try: another program may just be starting or stopping its server.
const PATIENCE: Duration = Duration::from_secs(4);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a server of our own may take to stop.
const STOPPING: Duration = Duration::from_secs(3);

/// The largest health report that is read, in bytes.
const REPORT_BYTES: usize = 4096;

/// The servers that run inside this program, by port.
static STARTED: LazyLock<Mutex<HashMap<u16, Weak<Embedded>>>> = LazyLock::new(Mutex::default);

/// A Maru server on this machine, found or started. One that was started runs until
/// [`AutomaticServer::shutdown`], or until the last value for it is dropped: keep one for as long as
/// others may meet there, which is as long as the program runs.
#[derive(Clone, Debug)]
pub struct AutomaticServer {
    port: u16,
    embedded: Option<Arc<Embedded>>,
}

impl AutomaticServer {
    /// Where clients connect, such as `ws://127.0.0.1:6278/ws`.
    pub fn url(&self) -> String {
        format!("ws://{}:{}{WEBSOCKET_PATH}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Whether the server runs inside this program.
    pub fn started_here(&self) -> bool {
        self.embedded.is_some()
    }

    /// Stops the server if it runs inside this program: its clients are told, and this returns when they
    /// are gone, after three seconds at the latest. A server of another program is left alone.
    pub async fn shutdown(self) {
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }

    /// Whether browsers on this network may join, too. Then the server also listens on all of this
    /// machine's networks, with TLS and a certificate of its own that is kept in `directory`; the
    /// links that whoever joins gets say how to find it. Changes nothing about a server of another
    /// program: that program decides.
    ///
    /// # Errors
    /// [`ServerError::Tls`] when there is no certificate, and the errors of [`listen()`].
    pub async fn let_network_join(&self, wanted: bool, directory: &Path) -> Result<(), ServerError> {
        match &self.embedded {
            None => Ok(()),
            Some(embedded) if wanted => embedded.open_to_network(directory).await,
            Some(embedded) => {
                embedded.close_to_network().await;
                Ok(())
            }
        }
    }
}

impl AutomaticServer {
    /// Lets other machines' apps find the rooms of a server that runs inside this program.
    async fn let_apps_find(&self, wire: &Arc<lan::Wire>) {
        if let Some(embedded) = &self.embedded
            && let Err(error) = embedded.let_apps_find(wire).await
        {
            tracing::warn!(%error, "rooms on this machine cannot be found from the network");
        }
    }
}

/// What answers on the port.
enum Answer {
    Maru(Health),
    /// Nobody listens.
    Nobody,
    /// Somebody took the connection and did not answer in time or hung up.
    Silence,
    /// An answer that no Maru server gives.
    Stranger,
}

/// Finds the Maru server on `127.0.0.1:port`, or starts one there on the current Tokio runtime. Port 0
/// always starts one, on a free port. Returns within about five seconds.
///
/// # Errors
/// [`ServerError::PortTaken`] when something that is not Maru holds the port,
/// [`ServerError::OtherVersion`] when a Maru of another protocol does, and the errors of [`listen()`].
pub async fn find_or_start(port: u16) -> Result<AutomaticServer, ServerError> {
    if let Some(embedded) = running(port) {
        return Ok(AutomaticServer { port, embedded: Some(embedded) });
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = if port == 0 { Answer::Nobody } else { ask(port).await };
        match answer {
            Answer::Maru(health) if health.speaks_our_protocol() => {
                // Another task of this program may have started it while this one asked.
                return Ok(AutomaticServer { port, embedded: running(port) });
            }
            Answer::Maru(health) => return Err(ServerError::OtherVersion { version: health.version }),
            Answer::Stranger => return Err(ServerError::PortTaken { port }),
            Answer::Nobody => match listen(&format!("{}:{port}", Ipv4Addr::LOCALHOST)).await {
                Ok(listener) => return start(listener),
                // Somebody was faster: ask again who it is.
                Err(ServerError::PortInUse { .. }) if Instant::now() < deadline => {}
                Err(ServerError::PortInUse { .. }) => return Err(ServerError::PortTaken { port }),
                Err(error) => return Err(error),
            },
            Answer::Silence if Instant::now() < deadline => {}
            Answer::Silence => return Err(ServerError::PortTaken { port }),
        }
        sleep(PAUSE).await;
    }
}

/// The server of this program on that port, if one runs.
fn running(port: u16) -> Option<Arc<Embedded>> {
    let mut started = STARTED.lock();
    started.retain(|_, embedded| embedded.strong_count() > 0);
    started.get(&port).and_then(Weak::upgrade).filter(|embedded| embedded.is_running())
}

fn start(listener: TcpListener) -> Result<AutomaticServer, ServerError> {
    let embedded = Arc::new(Embedded::start(listener)?);
    STARTED.lock().insert(embedded.port, Arc::downgrade(&embedded));
    Ok(AutomaticServer { port: embedded.port, embedded: Some(embedded) })
}

/// Asks who listens on the loopback port.
async fn ask(port: u16) -> Answer {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = match timeout(ANSWER, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        // A port without a listener refuses at once, on some systems after some seconds.
        Ok(Err(_)) | Err(_) => return Answer::Nobody,
    };
    timeout(ANSWER, report(stream, address)).await.unwrap_or(Answer::Silence)
}

/// Asks for the health report.
async fn report(stream: TcpStream, address: SocketAddr) -> Answer {
    let request = Request::get(HEALTH_PATH)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let Ok(request) = request else { return Answer::Silence };
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else {
        return Answer::Silence;
    };
    let asking = async {
        let response = match sender.send_request(request).await {
            Ok(response) => response,
            Err(error) if error.is_parse() => return Answer::Stranger,
            Err(_) => return Answer::Silence,
        };
        let Ok(body) = Limited::new(response.into_body(), REPORT_BYTES).collect().await else {
            return Answer::Stranger;
        };
        match serde_json::from_slice::<Health>(&body.to_bytes()) {
            Ok(health) if health.is_maru() => Answer::Maru(health),
            _ => Answer::Stranger,
        }
    };
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        biased;
        answer = &mut asking => answer,
        // When the connection ends, what it brought is with the other half.
        _ = connection => asking.await,
    }
}
