//! The server as a process of its own, and how much memory it has.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::clients::Target;
use crate::tls::Pair;

/// How long it may take to start.
const START: Duration = Duration::from_secs(10);

/// A running `maru-server` on a free port of the loopback interface; killed when dropped.
pub struct Program {
    pub target: Target,
    child: Child,
}

impl Program {
    /// Starts it with these arguments, and without limits that are about strangers: the load has a
    /// handful of addresses.
    pub async fn start(path: &Path, arguments: &[String]) -> Result<Self> {
        let mut command = Command::new(path);
        command.args(["--listen", "127.0.0.1:0", "--max-connections-per-address", "1000000"]);
        for limit in ["max-joins-per-minute", "max-new-rooms-per-minute", "max-address-messages-per-second"] {
            command.arg(format!("--{limit}=0"));
        }
        command.args(arguments).stderr(Stdio::piped()).kill_on_drop(true).env_remove("RUST_LOG");
        let mut child = command.spawn().with_context(|| format!("cannot start {}", path.display()))?;
        let mut lines = BufReader::new(child.stderr.take().context("it has no standard error")?).lines();
        let address = timeout(START, async {
            while let Some(line) = lines.next_line().await? {
                if let Some((_, address)) = line.split_once("listening on ") {
                    return Ok(address.trim().parse::<SocketAddr>()?);
                }
            }
            anyhow::bail!("the server ended before it listened")
        });
        let address = address.await.context("the server does not start")??;
        // Whoever does not read what a program says stops it in the end.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { target: Target { address, tls: None }, child })
    }

    /// The same, with TLS by this certificate.
    pub async fn start_secure(path: &Path, pair: &Pair) -> Result<Self> {
        let mut program = Self::start(path, &pair.arguments()).await?;
        program.target.tls = Some(pair.connector()?);
        Ok(program)
    }

    /// Its resident memory, in bytes; `None` where the system does not say it as Linux does.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}
