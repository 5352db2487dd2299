//! The server with certificates.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use maru_protocol::LinkScope;
use maru_signaling::{Config, Server, Tls};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{Client, PATIENCE, ask, get, join};

/// A server with TLS that runs until the test ends.
async fn serve(tls: Tls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let server = Server::new(Config::default());
        server.run(listener, Some(tls), std::future::pending()).await
    });
    address
}

/// Trusts one certificate.
fn trusting(certificate: &CertificateDer<'static>) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

pub async fn connect(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    timeout(PATIENCE, trusting(certificate).connect(name, stream)).await.unwrap()
}

/// Writes a fresh pair, and gives its certificate.
pub fn write_pair(directory: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    fs::write(directory.join("cert.pem"), pair.cert.pem()).unwrap();
    pair.cert.der().clone()
}

fn from_files(directory: &Path) -> Tls {
    Tls::from_files(&directory.join("cert.pem"), &directory.join("key.pem")).unwrap()
}

#[tokio::test]
async fn the_page_and_the_rooms_are_reached_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = write_pair(directory.path());
    let address = serve(from_files(directory.path())).await;
    let stream = connect(address, &certificate).await.unwrap();
    let page = ask(stream, "GET /standup", "localhost", "").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));

    let stream = connect(address, &certificate).await.unwrap();
    let mut request = "wss://localhost/ws".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "maru.v1".parse().unwrap());
    request.headers_mut().insert("Origin", "https://localhost".parse().unwrap());
    let mut guest = Client::over(request, stream).await;
    guest.send(join("standup", "Guest")).await;
    assert_eq!(guest.joined().await.links[0].url, "https://localhost/standup");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let first = write_pair(directory.path());
    let address = serve(from_files(directory.path())).await;
    connect(address, &first).await.unwrap();

    fs::write(directory.path().join("cert.pem"), "not a certificate").unwrap();
    let second = write_pair(directory.path());
    let renewed = async {
        while connect(address, &second).await.is_err() {
            sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, renewed).await.expect("the old certificate is still used");
    assert!(connect(address, &first).await.is_err());
}

#[tokio::test]
async fn a_browser_that_forgot_the_s_is_led_to_https() {
    let directory = tempfile::tempdir().unwrap();
    let address = serve(Tls::self_signed(directory.path()).unwrap()).await;
    let answer = get(address, "/%ED%9A%8C?room=a", "").await;
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), Some(&format!("https://{address}/%ED%9A%8C?room=a")[..]));
    let stream = TcpStream::connect(address).await.unwrap();
    let answer = ask(stream, "GET /", "a b", "").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https://"), "{}", answer.text());
}

#[tokio::test]
async fn links_to_a_server_that_signed_itself_carry_the_fingerprint() {
    let directory = tempfile::tempdir().unwrap();
    let tls = Tls::self_signed(directory.path()).unwrap();
    let fingerprint = tls.fingerprint().unwrap().to_owned();
    let pem = fs::read(directory.path().join("own-certificate.pem")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    let address = serve(tls).await;
    let stream = connect(address, &certificate).await.unwrap();
    let url = format!("wss://127.0.0.1:{}/ws", address.port());
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "maru.v1".parse().unwrap());
    let mut guest = Client::over(request, stream).await;
    guest.send(join("standup", "Guest")).await;
    let links = guest.joined().await.links;
    let [link] = &links[..] else { panic!("{links:?}") };
    assert_eq!(link.url, format!("https://{address}/standup"));
    assert_eq!((link.scope, link.fingerprint.as_ref()), (LinkScope::Machine, Some(&fingerprint)));
}

#[test]
fn files_that_are_no_pair_or_no_certificates_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    let error = |cert: &Path, key: &Path| Tls::from_files(cert, key).unwrap_err().to_string();
    assert!(error(&cert, &key).contains("cert.pem cannot be read as certificates"), "{}", error(&cert, &key));
    write_pair(directory.path());
    let other = tempfile::tempdir().unwrap();
    write_pair(other.path());
    let other_key = other.path().join("key.pem");
    assert!(error(&cert, &other_key).contains("does not belong to"), "{}", error(&cert, &other_key));
    assert!(error(&cert, &cert).contains("as a private key"), "{}", error(&cert, &cert));
    assert!(error(&key, &key).contains("there is none in it"), "{}", error(&key, &key));
}
