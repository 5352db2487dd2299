//! Programs for Windows on this machine, by Wine, and a call between some of them. Devices are synthetic.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bundle::frames;
use crate::process::{output, run};
use crate::workspace::target_dir;

/// Debian puts it beside the path.
const PROGRAM: &str = "/usr/lib/wine/wine64";

/// What every Rust program asks of Windows and Wine 8 does not have: a source of chance.
const CHANCE: &str = "#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T length) {
    while (length) {
        ULONG part = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(to, part)) return FALSE;
        to += part;
        length -= part;
    }
    return TRUE;
}
";

/// For a server to listen.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long the call is, in seconds, and how many pictures of the other each one gets at least: half of what comes.
const SECONDS: &str = "15";
const FRAMES: u32 = 200;

/// A Windows of its own.
pub struct Wine {
    /// Where it keeps its drives.
    prefix: PathBuf,
}

impl Wine {
    /// Made at the first use.
    pub fn ensure() -> Result<Self> {
        let prefix = target_dir()?.join("wine");
        let wine = Self { prefix };
        let system = wine.drive().join("windows/system32");
        if !system.join("bcryptprimitives.dll").exists() {
            fs::create_dir_all(&wine.prefix)?;
            run(wine.command("cmd").args(["/c", "exit"]))?;
            let source = wine.prefix.join("chance.c");
            fs::write(&source, CHANCE)?;
            let mut compile = Command::new("x86_64-w64-mingw32-gcc-posix");
            compile.args(["-shared", "-O2", "-o"]).arg(system.join("bcryptprimitives.dll"));
            run(compile.arg(source).arg("-ladvapi32"))?;
        }
        Ok(wine)
    }

    /// A program, by its path here or its name there.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("timeout");
        // Nothing that is started here takes longer.
        command.args(["--kill-after=5", "180", PROGRAM]).arg(program.as_ref());
        command.env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all");
        // Neither .NET nor Internet Explorer: Wine would ask whether to fetch them.
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=").stdin(Stdio::null());
        command
    }

    /// Drive C.
    pub fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }
}

/// A server and two participants, each a Windows program.
pub fn call(wine: &Wine, programs: &Path) -> Result<()> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut server = wine.command(programs.join("maru-server.exe"));
    server.args(["--listen", &format!("127.0.0.1:{port}"), "--no-relay"]);
    let _server = Running(server.spawn().context("cannot start the server")?);
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if started.elapsed() > START_LIMIT {
            bail!("maru-server.exe does not listen under Wine");
        }
        sleep(Duration::from_millis(200));
    }
    let url = format!("ws://127.0.0.1:{port}");
    let join = |name: &str| {
        let mut join = wine.command(programs.join("maru-cli.exe"));
        join.args([
            "join",
            "wine",
            "--server",
            &url,
            "--name",
            name,
            "--no-lan",
            "--json",
            "--seconds",
            SECONDS,
        ]);
        join.args(["--camera", "test-pattern", "--microphone", "tone", "--speaker", "null"]);
        join
    };
    let first = join("First").stdout(Stdio::piped()).spawn().context("cannot start maru-cli.exe")?;
    let second = output(&mut join("Second"));
    let first = first.wait_with_output()?;
    for report in [String::from_utf8_lossy(&first.stdout).into_owned(), second?] {
        let report = report.trim();
        println!("{report}");
        match frames(report) {
            Some(frames) if frames >= FRAMES => println!("{frames} pictures of the other one came."),
            frames => bail!("only {} pictures came", frames.unwrap_or_default()),
        }
    }
    Ok(())
}

/// A program that ends with whoever started it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // By `timeout`, which passes it on to Wine.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}
