//! A TURN server, coturn, on the loopback interface.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use maru_protocol::IceServer;

use crate::process::{Group, free_port};
use crate::wait::eventually;

const START_LIMIT: Duration = Duration::from_secs(30);
const USER: &str = "guest";
const PASSWORD: &str = "of-the-test";

/// A running relay.
pub struct Relay {
    port: u16,
    _program: Group,
}

impl Relay {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub async fn start() -> Self {
        let port = free_port();
        let mut command = Command::new("turnserver");
        // No configuration file, no database, no files at all: everything is here.
        command.args(["-n", "--log-file=stdout", "--pidfile=/dev/null", "--userdb=/dev/null"]);
        command.args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers"]);
        command.args(["--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--realm=maru.test"]);
        command.arg(format!("--listening-port={port}")).arg(format!("--user={USER}:{PASSWORD}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let program = Group::start(&mut command);
        // It listens for TCP and UDP alike.
        eventually("a relay that listens", START_LIMIT, async || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        Self { port, _program: program }
    }

    /// How clients reach it.
    pub fn ice_server(&self) -> IceServer {
        IceServer {
            urls: vec![format!("turn:127.0.0.1:{}", self.port)],
            username: Some(USER.into()),
            credential: Some(PASSWORD.into()),
        }
    }
}
