//! WebDriver commands as Firefox itself understands them, without a driver in between: JSON arrays on
//! one TCP connection, each behind its length in bytes and a colon.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Refusal;

/// A screenshot of the largest window is far below.
const LONGEST_ANSWER: usize = 64 << 20;

/// The connection; the session ends with it.
pub(super) struct Marionette {
    socket: BufReader<TcpStream>,
    commands: u64,
}

impl Marionette {
    /// Connects to a Firefox that listens on this port.
    pub async fn connect(port: u16, limit: Duration) -> Result<Self, Refusal> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
        let mut marionette = Self { socket: BufReader::new(socket), commands: 0 };
        let greeting = timeout(limit, marionette.receive()).await.map_err(|_| "Firefox says nothing")??;
        match greeting["marionetteProtocol"].as_u64() {
            Some(3) => Ok(marionette),
            _ => Err(format!("Firefox speaks another protocol: {greeting}")),
        }
    }

    /// One command and its answer. After an answer that did not come in time the connection is of no use:
    /// the next command would get it.
    pub async fn exchange(
        &mut self,
        name: &str,
        parameters: &Value,
        limit: Duration,
    ) -> Result<Value, Refusal> {
        match timeout(limit, self.request(name, parameters)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {limit:?}: {name}")),
        }
    }

    async fn request(&mut self, name: &str, parameters: &Value) -> Result<Value, Refusal> {
        self.commands += 1;
        let number = self.commands;
        let command = json!([0, number, name, parameters]).to_string();
        let framed = format!("{}:{command}", command.len());
        self.socket.write_all(framed.as_bytes()).await.map_err(|error| error.to_string())?;
        loop {
            let mut answer = self.receive().await?;
            // The answer to a command that nobody waits for any more is passed over.
            if answer[1] != number {
                continue;
            }
            let (error, result) = (answer[2].take(), answer[3].take());
            if !error.is_null() {
                return Err(error.to_string());
            }
            // Some commands answer with an object around the value, some with the value.
            return Ok(match result {
                Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("value") => {
                    fields.remove("value").unwrap_or_default()
                }
                result => result,
            });
        }
    }

    async fn receive(&mut self) -> Result<Value, Refusal> {
        let mut length = 0;
        loop {
            match self.socket.read_u8().await.map_err(|error| error.to_string())? {
                b':' => break,
                digit @ b'0'..=b'9' if length < LONGEST_ANSWER => {
                    length = 10 * length + usize::from(digit - b'0');
                }
                _ => return Err("Firefox's answer has no length".into()),
            }
        }
        let mut answer = vec![0; length];
        self.socket.read_exact(&mut answer).await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    }
}
