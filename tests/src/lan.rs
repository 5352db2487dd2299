//! Machines on one network: network namespaces with a switch between them that carries multicast.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::namespaces::{Namespaces, run, within};
use crate::process::Group;

/// How long the switch's listener may take to begin or to end.
const SNIFFER_LIMIT: Duration = Duration::from_secs(10);

/// A network of its own, gone with this value, and with the test's process.
pub struct Lan {
    namespaces: Namespaces,
}

impl Lan {
    /// So many machines; `None`, said on standard error, where they cannot be made.
    ///
    /// # Panics
    /// When a network can be begun but not finished.
    pub fn new(machines: u8) -> Option<Self> {
        let mut namespaces = Namespaces::with("switch")?;
        let machines = (0..machines).map(|n| namespaces.add(&n.to_string())).collect::<Vec<_>>();
        let lan = Self { namespaces };
        lan.connect(&machines).unwrap_or_else(|problem| panic!("half a network: {problem}"));
        Some(lan)
    }

    fn connect(&self, machines: &[String]) -> Result<(), String> {
        let switch = &self.namespaces.name("switch");
        ip(&["-n", switch, "link", "add", "br0", "type", "bridge"])?;
        // Nobody asks who listens to a group here: all hear everything.
        ip(&["-n", switch, "link", "set", "br0", "type", "bridge", "mcast_snooping", "0"])?;
        ip(&["-n", switch, "link", "set", "br0", "up"])?;
        for (n, machine) in machines.iter().enumerate() {
            let port = format!("port{n}");
            let peer = ["type", "veth", "peer", "name", &port, "netns", switch];
            ip(&[&["link", "add", "eth0", "netns", machine], &peer[..]].concat())?;
            ip(&["-n", switch, "link", "set", &port, "master", "br0", "up"])?;
            ip(&["-n", machine, "addr", "add", &format!("10.77.0.{}/24", n + 1), "dev", "eth0"])?;
            ip(&["-n", machine, "link", "set", "eth0", "up"])?;
            ip(&["-n", machine, "route", "add", "default", "via", "10.77.0.254"])?;
        }
        Ok(())
    }

    /// A program that will run on a machine.
    pub fn on(&self, machine: u8, program: &Path) -> Command {
        within(&self.namespaces.name(&machine.to_string()), program)
    }

    /// Records every packet on the network from now on.
    ///
    /// # Panics
    /// When nothing can be recorded.
    pub fn listen(&self, folder: &Path) -> Recording {
        let file = folder.join("packets.pcap");
        let mut command = within(&self.namespaces.name("switch"), "tcpdump");
        command
            .args(["--interface=br0", "--packet-buffered", "--snapshot-length=0", "-Z", "root", "-w"])
            .arg(&file);
        let program = Group::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        wait("tcpdump listens", || file.metadata().is_ok_and(|file| file.len() > 0));
        Recording { file, program }
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
        self.program.interrupt();
        wait("tcpdump ended", || self.program.leader().try_wait().is_ok_and(|ended| ended.is_some()));
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
    run(&[&["ip"], args].concat())
}
