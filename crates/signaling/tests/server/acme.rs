//! A certificate by ACME, from an authority on this machine: Pebble, which is Let's Encrypt's own for
//! tests. It looks the server up on its TLS port, as the real one does.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::client::{PATIENCE, ask};
use crate::tls::{connect, write_pair};

/// Ports that nobody listens on.
async fn free_ports<const N: usize>() -> [u16; N] {
    let mut held = Vec::new();
    for _ in 0..N {
        held.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    std::array::from_fn(|index| held[index].local_addr().unwrap().port())
}

/// Waits until a program says this, and hears it out after that: one that nobody listens to ends.
async fn said(output: impl AsyncRead + Unpin + Send + 'static, what: &str) {
    let mut lines = BufReader::new(output).lines();
    let mut heard = String::new();
    let listening = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            heard.push_str(&line);
            heard.push('\n');
            if line.contains(what) {
                return;
            }
        }
        panic!("it ended without “{what}”");
    };
    if timeout(PATIENCE, listening).await.is_err() {
        panic!("never “{what}”, but:\n{heard}");
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

/// The authority, which trusts nobody and is trusted by `directory/cert.pem`.
async fn authority(directory: &Path, [api, management, validated]: [u16; 3]) -> Child {
    let config = json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{api}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": directory.join("cert.pem"),
        "privateKey": directory.join("key.pem"),
        "httpPort": validated,
        "tlsPort": validated,
    } });
    let file = directory.join("pebble.json");
    fs::write(&file, config.to_string()).unwrap();
    let mut command = Command::new("pebble");
    command.arg("-config").arg(file).env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
    let spawned = command.stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut pebble = spawned.expect("install the Debian package pebble, as `cargo xtask test` does");
    said(pebble.stdout.take().unwrap(), "ACME directory available").await;
    pebble
}

fn server(directory: &Path, api: u16, port: u16) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maru-server"));
    command
        .args(["--listen", &format!("127.0.0.1:{port}"), "--acme-domain", "localhost"])
        .args([
            "--acme-email",
            "ada@example.org",
            "--acme-directory",
            &format!("https://localhost:{api}/dir"),
        ])
        .arg("--data-dir")
        .arg(directory.join("data"))
        .env("SSL_CERT_FILE", directory.join("cert.pem"))
        .env_remove("SSL_CERT_DIR")
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().unwrap()
}

#[tokio::test]
async fn a_certificate_is_asked_for_proven_used_and_kept() {
    // Only Debian has the authority as a package.
    if !Path::new("/etc/debian_version").exists() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let own = write_pair(directory.path());
    let ports @ [api, management, port] = free_ports().await;
    let _pebble = authority(directory.path(), ports).await;
    let mut first = server(directory.path(), api, port);
    said(first.stderr.take().unwrap(), "using a new certificate for localhost").await;

    let management: SocketAddr = ([127, 0, 0, 1], management).into();
    let stream = connect(management, &own).await.unwrap();
    let root = ask(stream, "GET /roots/0", "localhost", "").await;
    let root = CertificateDer::from_pem_slice(&root.body).unwrap();
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let stream = connect(address, &root).await.expect("a certificate of the authority's");
    assert_eq!(ask(stream, "GET /standup", "localhost", "").await.status, 200);

    first.kill().await.unwrap();
    TcpStream::connect(address).await.expect_err("still there");
    let mut second = server(directory.path(), api, port);
    said(second.stderr.take().unwrap(), "using the kept certificate for localhost").await;
    connect(address, &root).await.expect("the same certificate");

    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(directory.path().join("data/acme")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "the keys are nobody else's: {mode:o}");
}
