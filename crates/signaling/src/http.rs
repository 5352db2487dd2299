//! HTTP on one connection, with TLS or without, until it ends or becomes a WebSocket.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::discard::DiscardingStream;
use crate::reach::{plain_host, raw_host};
use crate::web::{Caller, Web};

/// How long a connection may take to send a request, and may rest between two; and to agree on TLS.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may stay that does not become a WebSocket. The page is small: whoever takes
/// longer reads it drop by drop.
const LONGEST: Duration = Duration::from_secs(120);

/// The largest head of a request, in bytes.
const REQUEST_BYTES: usize = 16 * 1024;

/// What every TLS connection begins with.
const HANDSHAKE: u8 = 0x16;

/// A connection that was let in.
pub(crate) struct Http {
    pub(crate) web: Arc<Web>,
    pub(crate) caller: Caller,
}

/// Serves one connection of a TLS port. Who comes without TLS is shown the way.
pub(crate) async fn serve_tls(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    connection: Http,
    stop: CancellationToken,
) {
    let mut first = [0];
    match timeout(REQUEST_TIMEOUT, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == HANDSHAKE => {}
        Ok(Ok(1)) => return redirect(stream).await,
        _ => return,
    }
    match timeout(REQUEST_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, connection, stop).await,
        // Also how a browser ends that does not know the certificate yet.
        Ok(Err(error)) => tracing::debug!(%error, "no agreement on TLS"),
        Err(_) => {}
    }
}

/// Serves one connection.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Http,
    stop: CancellationToken,
) {
    let Http { web, caller } = connection;
    let stream = DiscardingStream::new(stream, caller.discard.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (web, caller) = (Arc::clone(&web), caller.clone());
        async move { Ok::<_, Infallible>(web.answer(caller, request.map(Body::new)).await) }
    });
    let connection = builder().serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = tokio::time::sleep(LONGEST) => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers plain HTTP on a TLS port, once.
async fn redirect(stream: TcpStream) {
    let service =
        service_fn(|request: Request<Incoming>| async move { Ok::<_, Infallible>(way_to_tls(&request)) });
    let serving = builder().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = timeout(REQUEST_TIMEOUT, serving).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn way_to_tls(request: &Request<Incoming>) -> Response {
    match plain_host(raw_host(request.headers())) {
        Some(host) => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let location = format!("https://{host}{path}");
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
        }
        None => {
            let text = "This port of the Maru server speaks HTTPS only: write https:// before its address.\n";
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

pub(crate) fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT).max_buf_size(REQUEST_BYTES);
    builder
}
