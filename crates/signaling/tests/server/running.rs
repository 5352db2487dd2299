//! `maru-server` as a program that runs: what it says, and how it is told to stop.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::client::PATIENCE;

/// A `maru-server` that runs; killed when dropped.
pub struct Program {
    pub child: Child,
    log: Lines<BufReader<ChildStderr>>,
    pub address: SocketAddr,
    pub url: String,
    /// Where it says that its metrics are, if it does.
    pub metrics: Option<String>,
}

impl Program {
    pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::listening("127.0.0.1:0", arguments, environment).await
    }

    pub async fn listening(address: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maru-server"));
        command.env_remove("MARU_SERVER_TOKEN").env_remove("MARU_SERVER_BUS");
        command.args(["--listen", address]).args(arguments).envs(environment.iter().copied());
        Self::started(command).await
    }

    /// Starts it in a shell, after a command.
    pub async fn in_shell(before: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        let script = format!("{before}; exec {} \"$@\"", env!("CARGO_BIN_EXE_maru-server"));
        command.args(["-c", &script, "sh", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::started(command).await
    }

    pub async fn started(mut command: Command) -> Self {
        command.env_remove("RUST_LOG").stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut metrics = None;
        loop {
            let line = timeout(PATIENCE, log.next_line()).await.unwrap().unwrap().expect("it said nothing");
            if line.contains("metrics at") {
                metrics = Some(line);
            } else {
                let address = line.split("listening on ").nth(1);
                let address = address.unwrap_or_else(|| panic!("not listening: {line}"));
                let end = address.find('"').unwrap_or(address.len());
                let address: SocketAddr = address[..end].trim().parse().unwrap();
                return Self { child, address, url: format!("ws://{address}/ws"), log, metrics };
            }
        }
    }

    /// Reads what it says until there is this in a line, which is given back.
    pub async fn says(&mut self, what: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.log.next_line()).await.unwrap().unwrap();
            let line = line.unwrap_or_else(|| panic!("it never said “{what}”"));
            if line.contains(what) {
                return line;
            }
        }
    }

    pub async fn send(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap().success());
    }

    /// Its exit code and what it still said.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        let mut rest = String::new();
        while let Some(line) = self.log.next_line().await.unwrap() {
            rest.push_str(&line);
            rest.push('\n');
        }
        (status.code(), rest)
    }
}
