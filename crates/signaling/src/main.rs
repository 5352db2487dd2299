//! `maru-server`: the signaling server as a program of its own.

mod args;
mod platform;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use maru_protocol::LinkScope;
use maru_signaling::Server;
use tracing_subscriber::EnvFilter;

use crate::args::{Args, LogFormat};

fn main() -> ExitCode {
    let args = Args::read();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Text => log.with_ansi(colours).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("maru-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(args: Args) -> anyhow::Result<()> {
    // Before the socket: whoever sees it listening may stop it.
    let stop = platform::stop_requested()?;
    let tls = args.tls.tls()?;
    let listener = maru_signaling::listen(&args.listen).await?;
    let address = listener.local_addr()?;
    let files = platform::raise_file_limit();
    let mut config = args.config(files)?;
    args.relay.apply(&args.listen, &mut config)?;
    config.bus = args.bus.bus()?;
    tracing::debug!(files, connections = config.max_connections, "limits");
    let metrics = match &args.metrics_listen {
        Some(address) => {
            let listener = maru_signaling::listen(address).await?;
            tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
            Some(listener)
        }
        None => None,
    };
    tracing::info!("listening on {address}");
    let secure = tls.is_some();
    let fingerprint = tls.as_ref().and_then(|tls| tls.fingerprint().map(str::to_owned));
    let server = Server::new(config);
    if let Some(listener) = metrics {
        let server = server.clone();
        tokio::spawn(async move { server.serve_metrics(listener).await });
    }
    let shutdown = async {
        invite(&server, address, secure, fingerprint.as_deref());
        let reason = stop.await;
        tracing::info!("stopping: {reason}");
    };
    server.run(listener, tls, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Says where guests find the page, or why they do not.
fn invite(server: &Server, address: SocketAddr, secure: bool, fingerprint: Option<&str>) {
    let links = server.links();
    for link in &links {
        let from = match link.scope {
            LinkScope::Machine => "on this machine",
            LinkScope::Network => "on this network",
            LinkScope::Public | LinkScope::Unknown => "anywhere",
        };
        tracing::info!("a browser {from} opens {}ROOM", link.url);
    }
    if let Some(fingerprint) = fingerprint {
        tracing::info!(
            "browsers warn of this machine's own certificate; its SHA-256 fingerprint is {fingerprint}"
        );
    }
    let for_others = links.iter().any(|link| link.scope != LinkScope::Machine);
    if for_others || address.ip().is_loopback() {
        return;
    }
    if secure {
        tracing::info!(
            "a browser opens https://NAME:{}/ROOM, with a name that is in the certificate",
            address.port()
        );
    } else {
        tracing::warn!(
            "browsers on other machines get the page, but give it no camera and no microphone: they do that for \
             secure pages only. Give --tls-cert and --tls-key, --acme-domain or --tls-self-signed; behind a proxy \
             that does TLS, --trust-proxy"
        );
    }
}
