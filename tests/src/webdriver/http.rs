//! WebDriver commands over HTTP, as the standard has them: one connection per command.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Refusal;

/// One command and its answer.
pub(super) async fn exchange(
    port: u16,
    method: Method,
    path: &str,
    body: &Value,
    limit: Duration,
) -> Result<Value, Refusal> {
    let body = if method == Method::POST { body.to_string() } else { String::new() };
    match timeout(limit, request(port, method, path, body)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {limit:?}: {path}")),
    }
}

async fn request(port: u16, method: Method, path: &str, body: String) -> Result<Value, Refusal> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection); // ends with the sender
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let accepted = response.status().is_success();
    let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if accepted { Ok(answer["value"].clone()) } else { Err(answer["value"].to_string()) }
}
