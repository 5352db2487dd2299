//! Machines behind a router, which can lose their addresses, their cables, and each other.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::Command;

use crate::namespaces::{self, Namespaces, within};

/// A router, with one cable to each machine. Everything is gone when this value is.
pub struct Network {
    namespaces: Namespaces,
    router: String,
    machines: u8,
    subnets: u8,
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
    /// A router without machines; `None`, said on standard error, where it cannot be made.
    pub fn new() -> Option<Self> {
        let namespaces = Namespaces::with("router")?;
        let router = namespaces.name("router");
        let network = Self { namespaces, router, machines: 0, subnets: 0 };
        network.in_router("echo 1 > /proc/sys/net/ipv4/ip_forward");
        Some(network)
    }

    /// One more machine.
    pub fn machine(&mut self) -> Machine {
        self.machines += 1;
        let namespace = self.namespaces.add(&self.machines.to_string());
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

impl Machine {
    /// A program that runs on this machine.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        within(&self.namespace, program)
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
    namespaces::run(words).unwrap_or_else(|problem| panic!("half a network: {problem}"));
}
