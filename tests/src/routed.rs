//! Machines behind a router, which can lose their addresses, their cables, and each other.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use crate::delay;
use crate::namespaces::{self, Namespaces, within};

/// A router, with one cable to each machine. Everything is gone when this value is.
pub struct Network {
    namespaces: Namespaces,
    router: String,
    machines: u8,
    subnets: u8,
}

/// A machine behind the router.
pub struct Machine {
    namespace: String,
    /// Its address on the first cable.
    pub address: Ipv4Addr,
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
        let mut machine = Machine { namespace, address: Ipv4Addr::UNSPECIFIED };
        machine.address = self.cable(&machine, "eth0");
        machine.route_by("eth0", machine.address);
        machine
    }

    /// One more cable to a machine, into a subnet of its own; returns the machine's address there. Nothing
    /// is sent over it before [`Machine::route_by`].
    pub fn cable(&mut self, machine: &Machine, name: &str) -> Ipv4Addr {
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
        address
    }

    /// From now on whatever goes from one machine to another takes so long, each way. Once in a network's life, and
    /// for the cables that are there.
    pub fn delay(&self, each_way: Duration) {
        delay::add(&self.router, "far", each_way)
            .unwrap_or_else(|problem| panic!("half a network: {problem}"));
        // Through the device once: what comes out of it is routed as if it had not been delayed.
        let mut script = "ip link set far up && ip route add default dev far table 7".to_owned();
        for subnet in 1..=self.subnets {
            script += &format!(" && ip rule add iif v{subnet} lookup 7");
        }
        script += "; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done";
        self.in_router(&script);
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

    /// Sends everything over this cable, on which the machine has that address, from now on.
    pub fn route_by(&self, cable: &str, address: Ipv4Addr) {
        let [.., subnet, _] = address.octets();
        let via = format!("10.77.{subnet}.1");
        run(&["ip", "-n", &self.namespace, "route", "replace", "default", "via", &via, "dev", cable]);
    }

    /// Gives the machine another address in the place of the one it has, as a network does that it comes
    /// back to.
    pub fn move_to(&mut self, last_byte: u8) {
        let old = self.address;
        let [a, b, subnet, _] = old.octets();
        let new = Ipv4Addr::new(a, b, subnet, last_byte);
        run(&["ip", "-n", &self.namespace, "address", "delete", &format!("{old}/24"), "dev", "eth0"]);
        run(&["ip", "-n", &self.namespace, "address", "add", &format!("{new}/24"), "dev", "eth0"]);
        self.route_by("eth0", new); // it went with the address
        self.address = new;
    }

    /// Pulls a cable out.
    pub fn unplug(&self, cable: &str) {
        run(&["ip", "-n", &self.namespace, "link", "delete", cable]);
    }
}

fn run(words: &[&str]) {
    namespaces::run(words).unwrap_or_else(|problem| panic!("half a network: {problem}"));
}
