//! A call between two machines and a server on networks of their own, things that go wrong with it, and what
//! becomes of picture and sound meanwhile.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::process::Group;
use crate::programs;
use crate::routed::{Machine, Network};
use crate::wait::{eventually, now_ms};

/// How long a call may take to begin, on a machine that does much else.
const START: Duration = Duration::from_secs(40);
/// How often a participant says how it is, in seconds: the resolution of every gap.
const EVERY: &str = "0.02";
/// The server's port.
const PORT: u16 = 6278;

/// What a participant said of its only peer.
#[derive(Clone, Debug, Default)]
struct Sample {
    at_ms: u64,
    pictures: u64,
    packets: u64,
    state: String,
    path: String,
    joining: Option<Joining>,
    age: Option<f64>,
    relay: Option<String>,
    losses: Losses,
}

/// Of so many packets so many were lost, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Of what was sent: all packets and the lost ones.
    pub sent: (u64, u64),
    /// Of what was received.
    pub received: (u64, u64),
}

/// A participant: `maru-cli` on one machine.
pub struct Caller {
    program: Group,
    samples: Arc<Mutex<Vec<Sample>>>,
    joined: Arc<AtomicBool>,
}

/// When things happened after a participant's wish to join, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Joining {
    /// The server had let it in.
    pub joined: f64,
    /// The path to the other was there.
    pub connected: f64,
    /// The other's first picture was shown.
    pub picture: f64,
}

/// The longest times without anything new, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Without a new picture.
    pub picture: u64,
    /// Without a packet of sound.
    pub sound: u64,
}

impl Caller {
    /// Joins from a machine, with more arguments.
    pub fn join(machine: &Machine, server: &str, name: &str, arguments: &[&str]) -> Self {
        let mut command = machine.command(programs::cli());
        command.args(["join", "room", "--server", server, "--name", name, "--json-every", EVERY]);
        // A tone is noise, and where it is suppressed hardly a packet is sent.
        let voice = ["--no-noise-suppression", "--no-gain-control", "--echo-cancellation", "off"];
        command.args(["--camera", "test-pattern", "--microphone", "tone", "--speaker", "null"]).args(voice);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut program = Group::start(&mut command);
        let samples: Arc<Mutex<Vec<Sample>>> = Arc::default();
        let joined = Arc::new(AtomicBool::new(false));
        let (kept, entered) = (Arc::clone(&samples), Arc::clone(&joined));
        let said = program.leader().stdout.take().expect("it is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines() {
                let Ok(line) = line else { return };
                let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
                entered.fetch_or(line["joined_ms"].is_number(), Ordering::AcqRel);
                if let Some(sample) = sample(&line) {
                    kept.lock().expect("nobody panics with it").push(sample);
                }
            }
        });
        Self { program, samples, joined }
    }

    fn last(&self) -> Option<Sample> {
        self.samples.lock().expect("nobody panics with it").last().cloned()
    }

    /// Whether it sees and hears the other.
    pub fn is_connected(&self) -> bool {
        self.last().is_some_and(|last| last.state == "connected" && last.pictures > 0 && last.packets > 0)
    }

    /// The path that it uses, such as `host-relay`.
    pub fn path(&self) -> String {
        self.last().map(|last| last.path).unwrap_or_default()
    }

    /// How it reaches the relay that it uses.
    pub fn relay(&self) -> Option<String> {
        self.last()?.relay
    }

    /// What it says of losses so far.
    pub fn losses(&self) -> Losses {
        self.last().map(|last| last.losses).unwrap_or_default()
    }

    /// How it joined; `None` before the other's first picture.
    pub fn joining(&self) -> Option<Joining> {
        self.last()?.joining
    }

    /// How old the other's pictures are when they are shown, in milliseconds, for half of them; `None` before there
    /// are enough.
    pub fn age(&self) -> Option<f64> {
        self.last()?.age
    }

    /// Whether it ever said so of the other's connection since then.
    pub fn said(&self, state: &str, since_ms: u64) -> bool {
        let samples = self.samples.lock().expect("nobody panics with it");
        samples.iter().any(|sample| sample.at_ms >= since_ms && sample.state == state)
    }

    /// The longest gaps since then.
    pub fn gap(&self, since_ms: u64) -> Gap {
        let samples = self.samples.lock().expect("nobody panics with it");
        let longest = |count: fn(&Sample) -> u64| {
            let (mut before, mut longest) = (None, 0);
            for sample in samples.iter() {
                let counted = count(sample);
                if let Some((at, last)) = before {
                    // A connection that is made anew counts from the start.
                    if counted == last {
                        continue;
                    }
                    if sample.at_ms >= since_ms {
                        longest = longest.max(sample.at_ms - at);
                    }
                }
                before = Some((sample.at_ms, counted));
            }
            let open = before.map_or(0, |(at, _)| now_ms().saturating_sub(at));
            longest.max(open)
        };
        Gap { picture: longest(|sample| sample.pictures), sound: longest(|sample| sample.packets) }
    }

    /// How long after that moment the first new picture and the first new sound came.
    pub fn back_after(&self, moment_ms: u64) -> Gap {
        let samples = self.samples.lock().expect("nobody panics with it");
        let first = |count: fn(&Sample) -> u64| {
            let before = samples.iter().rev().find(|sample| sample.at_ms < moment_ms).map_or(0, count);
            let new = samples.iter().find(|sample| sample.at_ms >= moment_ms && count(sample) != before);
            new.map_or(u64::MAX, |sample| sample.at_ms - moment_ms)
        };
        Gap { picture: first(|sample| sample.pictures), sound: first(|sample| sample.packets) }
    }

    /// Lets it sleep, or wakes it.
    pub fn sleep(&self, asleep: bool) {
        self.program.sleep(asleep);
    }
}

impl Gap {
    /// The longer of both.
    pub fn longest(self) -> u64 {
        self.picture.max(self.sound)
    }

    /// The longer of each.
    fn max(self, other: Self) -> Self {
        Self { picture: self.picture.max(other.picture), sound: self.sound.max(other.sound) }
    }
}

fn sample(line: &Value) -> Option<Sample> {
    // Whoever came back as somebody new is the last one.
    let peer = line["peers"].as_array()?.last()?;
    let kind = |end: &str| peer["candidate_pair"][end].as_str().unwrap_or("none").to_owned();
    Some(Sample {
        at_ms: line["unix_ms"].as_u64()?,
        pictures: peer["video"]["frames"].as_u64()?,
        packets: peer["audio"]["stats"]["packetsReceived"].as_u64()?,
        state: peer["state"].as_str()?.to_owned(),
        path: format!("{}-{}", kind("local"), kind("remote")),
        joining: joining(line, peer),
        age: peer["video"]["latency_ms"]["p50"].as_f64(),
        relay: peer["stats"]["path"]["relayProtocol"].as_str().map(str::to_owned),
        losses: Losses {
            sent: traffic(&peer["stats"]["sent"]),
            received: traffic(&peer["stats"]["received"]),
        },
    })
}

fn traffic(way: &Value) -> (u64, u64) {
    let count = |what: &str| way[what].as_u64().unwrap_or_default();
    (count("packets"), count("lost"))
}

fn joining(line: &Value, peer: &Value) -> Option<Joining> {
    let ms = |value: &Value| value.as_f64();
    Some(Joining {
        joined: ms(&line["joined_ms"])?,
        connected: ms(&peer["connected_ms"])?,
        picture: ms(&peer["first_frame_ms"])?,
    })
}

/// Two callers in a room, and the server that they met at, each on a machine of its own.
pub struct Scene {
    /// The network.
    pub network: Network,
    /// Who was there first.
    pub anna: Caller,
    /// Where.
    pub annas: Machine,
    /// Who came then.
    pub ben: Caller,
    /// Where.
    pub bens: Machine,
    /// The server, until it is killed.
    pub server: Option<Group>,
    /// Where it is.
    pub servers: Machine,
}

impl Scene {
    /// Begins a call and waits until it is one; `None`, said on standard error, where no networks can be made.
    pub async fn begin() -> Option<Self> {
        Self::begin_without(&[], &[]).await
    }

    /// The same where the router drops what one of these conditions holds for, with more arguments for both
    /// callers. Anna is at 10.77.1.2, Ben at 10.77.2.2, the server at 10.77.3.2.
    pub async fn begin_without(lost: &[String], callers: &[&str]) -> Option<Self> {
        let prepare = |network: &Network| {
            if !lost.is_empty() {
                network.lose(lost);
            }
        };
        Self::begin_on(prepare, callers).await
    }

    /// The same on a network that was prepared, with the three machines on it.
    pub async fn begin_on(prepare: impl FnOnce(&Network), callers: &[&str]) -> Option<Self> {
        let mut network = Network::new()?;
        let (annas, bens, servers) = (network.machine(), network.machine(), network.machine());
        prepare(&network);
        let running = start_server(&servers);
        let url = format!("ws://{}:{PORT}", servers.address);
        eventually("a server that listens", START, async || {
            let mut knock = annas.command("bash");
            knock.args(["-c", &format!("exec 3<>/dev/tcp/{}/{PORT}", servers.address)]);
            knock.stderr(Stdio::null()).status().ok()?.success().then_some(())
        })
        .await;
        let anna = Caller::join(&annas, &url, "Anna", callers);
        eventually("Anna in the room", START, async || anna.joined.load(Ordering::Acquire).then_some(()))
            .await;
        let ben = Caller::join(&bens, &url, "Ben", callers);
        let scene = Self { network, anna, annas, ben, bens, server: Some(running), servers };
        scene.settle().await;
        Some(scene)
    }

    /// Waits until both see and hear each other, and for two seconds more.
    async fn settle(&self) {
        eventually("a call", START, async || {
            (self.anna.is_connected() && self.ben.is_connected()).then_some(())
        })
        .await;
        sleep(Duration::from_secs(2)).await;
    }

    /// Ends the server without a word.
    pub fn kill_server(&mut self) {
        self.server = None;
    }

    /// Starts it again where it was.
    pub fn restart_server(&mut self) {
        self.server = Some(start_server(&self.servers));
    }

    /// The longest gaps that either had since then.
    pub fn gap(&self, since_ms: u64) -> Gap {
        self.anna.gap(since_ms).max(self.ben.gap(since_ms))
    }

    /// How long after that moment both had something new again.
    pub fn back_after(&self, moment_ms: u64) -> Gap {
        self.anna.back_after(moment_ms).max(self.ben.back_after(moment_ms))
    }
}

fn start_server(machine: &Machine) -> Group {
    let mut command = machine.command(programs::server());
    command.args(["--listen", &format!("0.0.0.0:{PORT}")]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if std::env::var_os("RUST_LOG").is_none() {
        command.stderr(Stdio::null());
    }
    Group::start(&mut command)
}
