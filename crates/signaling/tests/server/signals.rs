//! `maru-server` as a program on Unix: it runs, and stops in an orderly way when asked.

use std::process::Stdio;

use maru_protocol::ServerMessage;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, join};

struct Program {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    url: String,
}

impl Program {
    async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::listening("127.0.0.1:0", arguments, environment).await
    }

    async fn listening(address: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maru-server"));
        command.args(["--listen", address]).args(arguments);
        command.env_remove("RUST_LOG").env_remove("MARU_TOKEN").envs(environment.iter().copied());
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = timeout(PATIENCE, log.next_line()).await.unwrap().unwrap().expect("it said nothing");
        let address = line.split("listening on ").nth(1).unwrap_or_else(|| panic!("not listening: {line}"));
        Self { child, url: format!("ws://{address}/ws"), log }
    }

    /// Reads what it says until there is this in a line, which is given back.
    async fn says(&mut self, what: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.log.next_line()).await.unwrap().unwrap();
            let line = line.unwrap_or_else(|| panic!("it never said “{what}”"));
            if line.contains(what) {
                return line;
            }
        }
    }

    async fn send(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap().success());
    }

    /// Its exit code and what it still said.
    async fn ended(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        let mut rest = String::new();
        while let Some(line) = self.log.next_line().await.unwrap() {
            rest.push_str(&line);
            rest.push('\n');
        }
        (status.code(), rest)
    }
}

#[tokio::test]
async fn sigterm_and_ctrl_c_tell_the_clients_and_end_the_program_with_success() {
    for signal in ["TERM", "INT"] {
        let program = Program::start(&[], &[]).await;
        let mut ada = Client::connect(&program.url).await;
        ada.send(join("a secret room", "Ada Secret")).await;
        ada.joined().await;
        program.send(signal).await;
        let closing = serde_json::to_value(ada.message().await).unwrap();
        assert_eq!(closing, json!({ "type": "closing", "reason": "shutdown", "retry_after": 1 }));
        assert_eq!(ada.next().await, None);
        drop(ada);

        let (code, log) = program.ended().await;
        assert_eq!(code, Some(0));
        assert!(log.contains(&format!("stopping: SIG{signal}")) && log.contains("stopped"), "{log}");
        assert!(!log.to_lowercase().contains("secret"), "names are not in the log: {log}");
    }
}

#[tokio::test]
async fn it_says_at_its_start_where_guests_find_the_page() {
    let mut plain = Program::start(&[], &[]).await;
    let address = plain.url["ws://".len()..].trim_end_matches("/ws").to_owned();
    plain.says(&format!("a browser on this machine opens http://{address}/ROOM")).await;

    let directory = tempfile::tempdir().unwrap();
    let own = ["--tls-self-signed", "--data-dir", directory.path().to_str().unwrap()];
    let mut secure = Program::start(&own, &[]).await;
    secure.says("opens https://127.0.0.1:").await;
    let fingerprint = maru_signaling::Tls::self_signed(directory.path()).unwrap();
    secure.says(fingerprint.fingerprint().unwrap()).await;

    let mut public = Program::start(&["--public-url", "https://example.org/maru"], &[]).await;
    public.says("a browser anywhere opens https://example.org/maru/ROOM").await;
}

#[tokio::test]
async fn it_says_why_a_page_without_a_certificate_gets_no_camera() {
    let mut open = Program::listening("0.0.0.0:0", &[], &[]).await;
    open.says("no camera and no microphone").await;
}

#[tokio::test]
async fn flags_and_environment_reach_the_clients() {
    let arguments = ["--stun", "stun:stun.example.org:3478", "--max-peers-per-room", "7"];
    let program = Program::start(&arguments, &[("MARU_TOKEN", "sesame")]).await;
    let mut stranger = Client::connect(&program.url).await;
    stranger.send(join("standup", "Stranger")).await;
    stranger.turned_away().await;

    let mut ada = Client::connect(&program.url).await;
    let mut request = join("standup", "Ada");
    request["token"] = json!("sesame");
    ada.send(request).await;
    let ServerMessage::Joined { ice_servers, limits, .. } = ada.message().await else { panic!("not joined") };
    assert_eq!(ice_servers[0].urls, ["stun:stun.example.org:3478"]);
    assert_eq!(limits.peers_per_room, 7);
}
