//! `maru-server` as a program on Unix: it runs, and stops in an orderly way when asked.

use maru_protocol::ServerMessage;
use serde_json::json;
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, join};
use crate::running::Program;

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
    let program = Program::start(&arguments, &[("MARU_SERVER_TOKEN", "sesame")]).await;
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

/// What may not be in a log at `info`: a room, people, an address that somebody came from, a token.
const TELLING: [&str; 6] = ["telling", "Telling", "203.0.113.77", "2001:db8:77", "127.0.0.77", "sesame"];

#[tokio::test]
async fn the_log_names_no_room_nobody_no_address_and_no_token() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"sesame-of-the-telling-server\n").unwrap();
    for format in ["text", "json"] {
        let arguments = [
            "--trust-proxy=127.0.0.1",
            "--max-new-rooms-per-minute=1",
            "--max-joins-per-minute=4",
            "--metrics-listen=127.0.0.1:0",
            "--log-format",
            format,
            "--token-file",
            file.path().to_str().unwrap(),
        ];
        let program = Program::start(&arguments, &[]).await;
        for n in 0..12 {
            let address = if n % 2 == 0 { "203.0.113.77" } else { "2001:db8:77::1" };
            let headers = [("Sec-WebSocket-Protocol", "maru.v1"), ("X-Forwarded-For", address)];
            let mut client = Client::with_headers(&program.url, &headers).await;
            let mut request = join(&format!("a telling room {n}"), "Telling Name");
            let token = if n % 3 == 0 { "sesame-that-is-wrong" } else { "sesame-of-the-telling-server" };
            request["token"] = json!(token);
            client.send(request).await;
            // Let in, refused for the token, and sent away for too many joins: all of it.
            client.message().await;
            if n % 4 == 0 {
                let _ =
                    client.send_raw(tokio_tungstenite::tungstenite::Message::text("telling garbage")).await;
            }
            client.vanish();
        }
        #[cfg(target_os = "linux")]
        {
            let address = program.url["ws://".len()..].trim_end_matches("/ws").parse().unwrap();
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.77:0".parse().unwrap()).unwrap();
            let stream = socket.connect(address).await.unwrap();
            crate::client::ask(stream, "GET /telling%20room", "telling.example", "").await;
        }
        program.send("TERM").await;
        let (_, log) = program.ended().await;
        assert!(log.contains("stopping"), "there is a log: {log}");
        for telling in TELLING {
            assert!(!log.contains(telling), "{telling} is in the log: {log}");
        }
        if format == "json" {
            for line in log.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn the_metrics_are_on_a_port_of_their_own() {
    let mut program = Program::start(&["--metrics-listen", "127.0.0.1:0"], &[]).await;
    let line = program.metrics.take().expect("it says where the metrics are");
    let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").parse().unwrap();
    let (status, text) = crate::client::http_get(address, "/metrics", "").await;
    assert_eq!(status, 200);
    assert!(text.contains("maru_rooms 0"), "{text}");
}

#[tokio::test]
async fn a_server_that_may_have_few_files_says_that_it_is_full_before_they_are_out() {
    // 200 files, of which 128 are not for clients.
    let mut program = Program::in_shell("ulimit -n 200", &["--max-connections-per-address=1000"]).await;
    let address: std::net::SocketAddr = program.url["ws://".len()..].trim_end_matches("/ws").parse().unwrap();
    let mut flood = Vec::new();
    for _ in 0..300 {
        flood.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    drop(flood.split_off(100));
    loop {
        // Those that were dropped without a word have made room for the question.
        let Ok(Ok(stream)) = timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await else {
            continue;
        };
        let answer = crate::client::try_ask(stream, "GET /room", "a", "").await;
        if let Some(answer) = answer {
            assert_eq!(answer.status, 503);
            assert!(answer.header("retry-after").is_some());
            break;
        }
        flood.truncate(flood.len() - 5);
        assert!(!flood.is_empty(), "nobody is told anything");
    }
    flood.clear();
    loop {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        if crate::client::try_ask(stream, "GET /room", "a", "")
            .await
            .is_some_and(|answer| answer.status == 200)
        {
            break;
        }
    }
    assert!(program.child.try_wait().unwrap().is_none());
}

/// Systems without systemd have nothing to check the unit with.
#[cfg(target_os = "linux")]
#[test]
fn the_systemd_unit_has_no_mistake_that_systemd_finds() {
    let unit = include_str!("../../deploy/maru-server.service");
    let program = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")?.split(' ').next()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("maru-server.service");
    // It must find the program, which is installed nowhere here.
    std::fs::write(&path, unit.replace(program, env!("CARGO_BIN_EXE_maru-server"))).unwrap();
    match std::process::Command::new("systemd-analyze").arg("verify").arg(&path).output() {
        Ok(checked) => {
            let said = String::from_utf8_lossy(&checked.stderr);
            let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("maru-server")).collect();
            assert!(checked.status.success() && about_ours.is_empty(), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}
