//! Networks of one's own in Linux namespaces: machines behind a router, which can lose their addresses, their
//! cables, and each other. Needs root, or `unshare --user` as `cargo xtask test` uses it.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A router, with one cable to each machine. Everything is gone when this value is.
pub struct Network {
    prefix: String,
    router: String,
    subnets: u8,
    namespaces: Vec<String>,
}

/// A machine behind the router.
#[derive(Clone)]
pub struct Machine {
    namespace: String,
    /// Its address on the first cable.
    pub address: Ipv4Addr,
    subnet: u8,
}

impl Network {
    /// A router without machines.
    ///
    /// # Panics
    /// When the system does not allow namespaces; says what would help.
    pub fn new() -> Self {
        let prefix = format!("maru{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let router = format!("{prefix}r");
        let made = Command::new("ip").args(["netns", "add", &router]).output();
        let made =
            made.unwrap_or_else(|error| panic!("cannot start ip: {error}; `cargo xtask test` installs it"));
        assert!(
            made.status.success(),
            "networks of one's own need root or user namespaces ({}): run the test with sudo, or allow them with \
             `sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0`",
            String::from_utf8_lossy(&made.stderr).trim()
        );
        let network = Self { prefix, namespaces: vec![router.clone()], router, subnets: 0 };
        run(&["ip", "-n", &network.router, "link", "set", "lo", "up"]);
        network.in_router("echo 1 > /proc/sys/net/ipv4/ip_forward");
        network
    }

    /// One more machine.
    pub fn machine(&mut self) -> Machine {
        let namespace = format!("{}m{}", self.prefix, self.namespaces.len());
        run(&["ip", "netns", "add", &namespace]);
        self.namespaces.push(namespace.clone());
        run(&["ip", "-n", &namespace, "link", "set", "lo", "up"]);
        let mut machine = Machine { namespace, address: Ipv4Addr::UNSPECIFIED, subnet: 0 };
        (machine.address, machine.subnet) = self.cable(&machine, "eth0");
        machine.route_by("eth0");
        machine
    }

    /// One more cable to a machine, into a subnet of its own; returns the machine's address there. Nothing
    /// is sent over it before [`Machine::route_by`].
    pub fn cable(&mut self, machine: &Machine, name: &str) -> (Ipv4Addr, u8) {
        self.subnets += 1;
        let subnet = self.subnets;
        let here = format!("v{subnet}");
        run(&[
            "ip",
            "-n",
            &self.router,
            "link",
            "add",
            &here,
            "type",
            "veth",
            "peer",
            "name",
            name,
            "netns",
            &machine.namespace,
        ]);
        run(&["ip", "-n", &self.router, "address", "add", &format!("10.77.{subnet}.1/24"), "dev", &here]);
        run(&["ip", "-n", &self.router, "link", "set", &here, "up"]);
        let address = Ipv4Addr::new(10, 77, subnet, 2);
        run(&["ip", "-n", &machine.namespace, "address", "add", &format!("{address}/24"), "dev", name]);
        run(&["ip", "-n", &machine.namespace, "link", "set", name, "up"]);
        (address, subnet)
    }

    /// Drops everything that is forwarded and that one of these conditions of nftables holds for, such as
    /// `ip saddr 10.77.1.2`, without a word to anybody; until [`Network::heal`].
    pub fn lose(&self, conditions: &[String]) {
        let rules =
            conditions.iter().map(|condition| format!("nft add rule inet lost forward {condition} drop"));
        let table = [
            "nft add table inet lost".to_owned(),
            "nft 'add chain inet lost forward { type filter hook forward priority 0; }'".to_owned(),
        ];
        self.in_router(&table.into_iter().chain(rules).collect::<Vec<_>>().join(" && "));
    }

    /// Drops everything from and to a machine.
    pub fn lose_machine(&self, machine: &Machine) {
        let address = machine.address;
        self.lose(&[format!("ip saddr {address}"), format!("ip daddr {address}")]);
    }

    /// Forwards everything again.
    pub fn heal(&self) {
        self.in_router("nft delete table inet lost");
    }

    fn in_router(&self, script: &str) {
        run(&["ip", "netns", "exec", &self.router, "sh", "-c", script]);
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).status();
        }
    }
}

impl Machine {
    /// A program that runs on this machine.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }

    /// Sends everything over this cable from now on.
    pub fn route_by(&self, cable: &str) {
        let subnet = match cable {
            "eth0" => self.subnet,
            _ => self.subnet_of(cable),
        };
        let via = format!("10.77.{subnet}.1");
        run(&["ip", "-n", &self.namespace, "route", "replace", "default", "via", &via, "dev", cable]);
    }

    /// Gives the machine another address in the place of the one it has, as a network does that it comes
    /// back to.
    pub fn move_to(&mut self, last_byte: u8) {
        let (old, new) = (self.address, Ipv4Addr::new(10, 77, self.subnet, last_byte));
        run(&["ip", "-n", &self.namespace, "address", "delete", &format!("{old}/24"), "dev", "eth0"]);
        run(&["ip", "-n", &self.namespace, "address", "add", &format!("{new}/24"), "dev", "eth0"]);
        self.route_by("eth0"); // it went with the address
        self.address = new;
    }

    /// Pulls a cable out.
    pub fn unplug(&self, cable: &str) {
        run(&["ip", "-n", &self.namespace, "link", "delete", cable]);
    }

    /// The subnet of a cable, from the machine's own address on it.
    fn subnet_of(&self, cable: &str) -> u8 {
        let shown =
            Command::new("ip").args(["-n", &self.namespace, "-o", "-4", "address", "show", cable]).output();
        let shown =
            shown.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let subnet = shown.split("10.77.").nth(1).and_then(|rest| rest.split('.').next()?.parse().ok());
        subnet.unwrap_or_else(|| panic!("no cable {cable}: {shown}"))
    }
}

fn run(words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {}: {error}", words[0]));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {}", words.join(" "), error.trim());
}
