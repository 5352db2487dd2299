//! The relay beside coturn, under the same load in the same run: coturn's own client and echo for what a
//! packet costs, a client of one packet at a time for what the detour adds.
//!
//! Costs are the server's computing time (`/proc/PID/stat`), which other programs on the machine change
//! little; packets per second of the clock would be theirs as much as ours.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};
use ring::hmac;

use crate::packages::{Purpose, ensure};
use crate::process::run;
use crate::steps::Steps;
use crate::workspace::{cargo, program, target_dir};

const SECRET: &str = "of the benchmark only";
const REALM: &str = "maru";

/// Rounds of each load at each server, taken in turns, so that a busy machine is busy for both.
const ROUNDS: usize = 2;

/// Packets of each measurement of latency.
const PINGS: usize = 3000;

/// Bytes of a packet of a picture, near enough.
const BYTES: usize = 1000;

/// What coturn's client does: a name, and its arguments.
const LOADS: [(&str, &[&str]); 4] = [
    ("UDP to a peer, channels", &["-m", "20", "-n", "2000"]),
    ("UDP to a peer, indications", &["-s", "-m", "20", "-n", "2000"]),
    ("UDP, both relayed", &["-y", "-m", "20", "-n", "2000"]),
    ("TCP to a peer, channels", &["-t", "-m", "20", "-n", "2000"]),
];

/// Ends with this value.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn().with_context(|| format!("{name} does not start"))?))
    }

    /// Computing time so far, in all its threads.
    fn computed(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // After the name in parentheses, which may have spaces: user and system time in ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        let ticks = ticks(11).zip(ticks(12)).context("/proc/PID/stat is not as expected")?;
        Ok(Duration::from_millis((ticks.0 + ticks.1) * 10))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Server {
    name: &'static str,
    program: Program,
    address: SocketAddr,
}

/// What one load cost.
#[derive(Clone, Copy, Default)]
struct Cost {
    packets: u64,
    lost: u64,
    computed: Duration,
}

pub fn relay() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the relay is measured on Linux, where computing times are read from /proc");
    }
    let mut steps = Steps::new(3);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Relay])?;
    steps.begin("Building the server");
    run(&mut cargo(&["build", "--release", "--package", "maru-signaling", "--bin", "maru-server"])?)?;
    steps.begin("Measuring, which takes some minutes");
    let folder = target_dir()?.join("bench").join("relay");
    fs::create_dir_all(&folder)?;
    let echo_port = free_port()?;
    let echo: SocketAddr = ([127, 0, 0, 1], echo_port).into();
    let _echo = Program::start(Command::new("turnutils_peer").args([
        "-L",
        "127.0.0.1",
        "-p",
        &echo_port.to_string(),
    ]))?;
    let servers = [ours(&folder)?, coturn(&folder)?];
    for server in &servers {
        wait_for(server)?;
    }

    println!("| load | server | packets | lost | computing time per million packets | packets/s per core |");
    println!("|---|---|---|---|---|---|");
    for (name, arguments) in LOADS {
        let mut costs = [Cost::default(); 2];
        for _ in 0..ROUNDS {
            for (server, cost) in servers.iter().zip(&mut costs) {
                load(server, echo, arguments, cost)?;
            }
        }
        for (server, cost) in servers.iter().zip(costs) {
            let seconds = cost.computed.as_secs_f64();
            println!(
                "| {name} | {} | {} | {} | {:.2} s | {:.0} |",
                server.name,
                cost.packets,
                cost.lost,
                seconds * 1e6 / cost.packets as f64,
                cost.packets as f64 / seconds,
            );
        }
    }

    println!();
    println!("| one packet at a time, there and back | p50 | p99 |");
    println!("|---|---|---|");
    let direct = UdpSocket::bind("127.0.0.1:0")?;
    direct.connect(echo)?;
    direct.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut rows: [Vec<Duration>; 3] = Default::default();
    let mut clients = Vec::new();
    for server in &servers {
        clients.push(Client::allocate(server.address, echo)?);
    }
    // In turns, so that what else the machine does hits all alike.
    for _ in 0..PINGS {
        rows[0].push(round_trip(&direct, &[0; BYTES])?);
        for (client, row) in clients.iter().zip(&mut rows[1..]) {
            row.push(round_trip(&client.socket, &client.packet)?);
        }
    }
    for (name, row) in ["without a relay", servers[0].name, servers[1].name].iter().zip(&mut rows) {
        row.sort();
        let at = |share: f64| row[(row.len() as f64 * share) as usize].as_secs_f64() * 1e6;
        println!("| {name} | {:.0} µs | {:.0} µs |", at(0.5), at(0.99));
    }
    Ok(())
}

fn ours(folder: &Path) -> Result<Server> {
    let (port, http) = (free_port()?, free_port()?);
    let secret = folder.join("secret");
    fs::write(&secret, SECRET)?;
    let mut command = Command::new(program("release", "maru-server")?);
    command.args(["--listen", &format!("127.0.0.1:{http}"), "--relay-listen", &format!("127.0.0.1:{port}")]);
    command.arg("--relay-secret-file").arg(secret);
    command.args(["--relay-allow", "127.0.0.0/8", "--relay-user-bandwidth", "0"]);
    command.args(["--relay-max-allocations-per-user", "1000", "--relay-max-allocations", "1000"]);
    let address = ([127, 0, 0, 1], port).into();
    Ok(Server { name: "maru-server", program: Program::start(&mut command)?, address })
}

fn coturn(folder: &Path) -> Result<Server> {
    let port = free_port()?;
    let mut command = Command::new("turnserver");
    command.args(["-n", "--use-auth-secret", "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls"]);
    command.args(["--log-file=/dev/null", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"]);
    command.arg(format!("--static-auth-secret={SECRET}")).arg(format!("--realm={REALM}"));
    command.arg(format!("--listening-port={port}"));
    command.arg(format!("--pidfile={}", folder.join("pid").display()));
    command.arg(format!("--userdb={}", folder.join("users").display()));
    let address = ([127, 0, 0, 1], port).into();
    Ok(Server { name: "coturn", program: Program::start(&mut command)?, address })
}

/// A port that is free now.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for(server: &Server) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(server.address).is_err() {
        if Instant::now() > until {
            bail!("{} does not listen", server.name);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn load(server: &Server, echo: SocketAddr, arguments: &[&str], cost: &mut Cost) -> Result<()> {
    let before = server.program.computed()?;
    let output = Command::new("turnutils_uclient")
        .args(["-c", "-z", "1", "-u", "bench", "-W", SECRET, "-l", &BYTES.to_string()])
        .args(["-e", "127.0.0.1", "-r", &echo.port().to_string(), "-p", &server.address.port().to_string()])
        .args(arguments)
        .arg("127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .context("turnutils_uclient does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| {
        let text = said.rsplit(name).next().filter(|_| said.contains(name))?;
        text.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let (Some(sent), Some(received)) = (number("tot_send_msgs="), number("tot_recv_msgs=")) else {
        bail!("turnutils_uclient at {}: {said}", server.name);
    };
    // Each message passes the relay there, and what came back passed it back.
    cost.packets += sent + received;
    cost.lost += sent.saturating_sub(received);
    cost.computed += server.program.computed()?.saturating_sub(before);
    Ok(())
}

fn round_trip(socket: &UdpSocket, packet: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    socket.send(packet)?;
    let mut buffer = [0; 2048];
    // What is late from before is not this one's answer, and there is nothing late on a loopback.
    socket.recv(&mut buffer).context("a packet is lost")?;
    Ok(start.elapsed())
}

/// An allocation with one channel, as little of a client as that takes.
struct Client {
    socket: UdpSocket,
    /// Data on the channel.
    packet: Vec<u8>,
}

impl Client {
    fn allocate(server: SocketAddr, peer: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let transport: (u16, &[u8]) = (0x0019, &[17, 0, 0, 0]);
        let greeting = ask(&socket, 0x003, &[transport], None)?;
        let nonce = attribute(&greeting, 0x0015).context("no nonce")?;
        let answer = ask(&socket, 0x003, &[transport], Some(nonce))?;
        if answer[..2] != [1, 3] {
            bail!("{server} makes no allocation: {:?}", attribute(&answer, 0x0009));
        }
        let SocketAddr::V4(peer) = peer else { bail!("an IPv4 peer is wanted") };
        let mut address = vec![0, 1];
        address.extend((peer.port() ^ 0x2112).to_be_bytes());
        address.extend((peer.ip().to_bits() ^ 0x2112_A442).to_be_bytes());
        let bound = ask(&socket, 0x009, &[(0x000C, &[0x40, 0, 0, 0]), (0x0012, &address)], Some(nonce))?;
        if bound[..2] != [1, 9] {
            bail!("no channel");
        }
        let mut packet = vec![0x40, 0];
        packet.extend((BYTES as u16).to_be_bytes());
        packet.resize(4 + BYTES, 0);
        Ok(Self { socket, packet })
    }
}

/// Sends a request, signed if there is a nonce, and gives the answer.
fn ask(
    socket: &UdpSocket,
    method: u16,
    attributes: &[(u16, &[u8])],
    nonce: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let mut bytes = method.to_be_bytes().to_vec();
    bytes.extend([0, 0, 0x21, 0x12, 0xA4, 0x42]);
    bytes.extend([1; 12]);
    let mut add = |kind: u16, value: &[u8]| {
        bytes.extend(kind.to_be_bytes());
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    };
    for (kind, value) in attributes {
        add(*kind, value);
    }
    if let Some(nonce) = nonce {
        // coturn takes what is more than 68 years ahead for the past.
        let tomorrow = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() + 86_400;
        let username = format!("{tomorrow}:bench");
        add(0x0006, username.as_bytes());
        add(0x0014, REALM.as_bytes());
        add(0x0015, nonce);
        let sign = |key: &[u8], text: &[u8]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), text)
        };
        let password = BASE64_STANDARD.encode(sign(SECRET.as_bytes(), username.as_bytes()));
        let key = Md5::digest(format!("{username}:{REALM}:{password}").as_bytes());
        let length = (bytes.len() - 20 + 24) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let signature = sign(&key, &bytes);
        bytes.extend([0, 8, 0, 20]);
        bytes.extend(signature.as_ref());
    }
    let length = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    socket.send(&bytes)?;
    let mut answer = vec![0; 2048];
    let length = socket.recv(&mut answer).context("no answer")?;
    answer.truncate(length);
    if length < 20 { bail!("not a message") } else { Ok(answer) }
}

fn attribute(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(20..)?;
    loop {
        let (kind, length) = (rest.get(..2)?, rest.get(2..4)?);
        let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
        if kind == wanted.to_be_bytes() {
            return rest.get(4..4 + length);
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
}
