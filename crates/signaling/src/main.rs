//! `maru-server`: the signaling server as a program of its own.

mod args;
mod platform;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser as _;
use maru_protocol::LinkScope;
use maru_signaling::Server;
use tracing_subscriber::EnvFilter;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
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
    tracing::info!("listening on {address}");
    let secure = tls.is_some();
    let fingerprint = tls.as_ref().and_then(|tls| tls.fingerprint().map(str::to_owned));
    let mut config = args.config();
    args.relay.apply(&args.listen, &mut config)?;
    let server = Server::new(config);
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
