//! Machines on one network: network namespaces with a switch between them that carries multicast. Making
//! these takes root, on Linux.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::process::Group;

/// How long the switch's listener may take to begin or to end.
const SNIFFER_LIMIT: Duration = Duration::from_secs(10);

/// A network of its own, gone with this value, and with the test's process.
pub struct Lan {
    name: String,
    machines: u8,
    /// Removes the namespaces when its standard input closes.
    cleaner: Child,
}

impl Lan {
    /// So many machines; `None`, said on standard error, where they cannot be made.
    ///
    /// # Panics
    /// When a network can be begun but not finished.
    pub fn new(machines: u8) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("maru{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let switch = format!("{name}-switch");
        if let Err(problem) = ip(&["netns", "add", &switch]) {
            eprintln!(
                "NOT TESTED: no machines on a network can be made here ({problem}). Run the tests as root, with \
                 iproute2 installed, to test how they meet."
            );
            return None;
        }
        let names = (0..machines).map(|n| format!("{name}-{n}")).chain([switch.clone()]);
        let mut cleaner = Command::new("sh");
        cleaner.args(["-c", "read -r _; for n; do ip netns del \"$n\"; done", "sh"]).args(names);
        cleaner.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let cleaner = cleaner.spawn().expect("sh");
        let lan = Self { name, machines, cleaner };
        lan.connect(&switch).unwrap_or_else(|problem| panic!("half a network: {problem}"));
        Some(lan)
    }

    fn connect(&self, switch: &str) -> Result<(), String> {
        ip(&["-n", switch, "link", "add", "br0", "type", "bridge"])?;
        // Nobody asks who listens to a group here: all hear everything.
        ip(&["-n", switch, "link", "set", "br0", "type", "bridge", "mcast_snooping", "0"])?;
        ip(&["-n", switch, "link", "set", "br0", "up"])?;
        for n in 0..self.machines {
            let (machine, port) = (format!("{}-{n}", self.name), format!("port{n}"));
            ip(&["netns", "add", &machine])?;
            let peer = ["type", "veth", "peer", "name", &port, "netns", switch];
            ip(&[&["link", "add", "eth0", "netns", &machine], &peer[..]].concat())?;
            ip(&["-n", switch, "link", "set", &port, "master", "br0", "up"])?;
            ip(&["-n", &machine, "link", "set", "lo", "up"])?;
            ip(&["-n", &machine, "addr", "add", &format!("10.77.0.{}/24", n + 1), "dev", "eth0"])?;
            ip(&["-n", &machine, "link", "set", "eth0", "up"])?;
            ip(&["-n", &machine, "route", "add", "default", "via", "10.77.0.254"])?;
        }
        Ok(())
    }

    /// A program that will run on a machine.
    pub fn on(&self, machine: u8, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}-{machine}", self.name)]).arg(program);
        command
    }

    /// Records every packet on the network from now on.
    ///
    /// # Panics
    /// When nothing can be recorded.
    pub fn listen(&self, folder: &Path) -> Recording {
        let file = folder.join("packets.pcap");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}-switch", self.name), "tcpdump", "--interface=br0"]);
        command.args(["--packet-buffered", "--snapshot-length=0", "-Z", "root", "-w"]).arg(&file);
        let program = Group::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        wait("tcpdump listens", || file.metadata().is_ok_and(|file| file.len() > 0));
        Recording { file, program }
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

/// What went over the network.
pub struct Recording {
    file: PathBuf,
    program: Group,
}

impl Recording {
    /// All that was sent, as bytes in the order in which they were sent.
    ///
    /// # Panics
    /// When the recording cannot be read.
    pub fn end(mut self) -> Vec<u8> {
        let leader = self.program.leader();
        let _ = Command::new("kill").args(["-INT", &leader.id().to_string()]).status();
        wait("tcpdump ended", || leader.try_wait().is_ok_and(|ended| ended.is_some()));
        std::fs::read(&self.file).expect("the recording")
    }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + SNIFFER_LIMIT;
    while !done() {
        assert!(std::time::Instant::now() < deadline, "not within {SNIFFER_LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ip(args: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(args).output().map_err(|error| format!("ip: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| format!("ip {}: {}", args.join(" "), text.trim()))
}
