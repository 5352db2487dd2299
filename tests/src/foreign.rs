//! Peers that share no code with Maru, each a program of its own: `tests/peers/*.py`. They join through
//! the same server and say in lines of JSON what they see and hear.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::process::Group;
use crate::programs;

/// Ample on a busy machine, where Python alone takes seconds to start.
const LIMIT: Duration = Duration::from_secs(45);

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// aiortc, in Python.
    Aiortc,
    /// GStreamer's `webrtcbin`, over libnice.
    Gstreamer,
}

impl Library {
    fn script(self) -> &'static str {
        match self {
            Self::Aiortc => "aiortc_peer.py",
            Self::Gstreamer => "gstreamer_peer.py",
        }
    }
}

/// How a peer reaches others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// As it can.
    Direct,
    /// Through the server's relay, by no other way.
    Relay,
}

impl Path {
    fn argument(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
        }
    }
}

/// What a peer has told so far.
#[derive(Clone, Debug, Default)]
struct Told {
    /// The newest picture and the newest tenth of a second of sound.
    picture: Value,
    sound: Value,
    /// Everything else, in order.
    events: Vec<Value>,
    ended: bool,
}

/// A running peer.
pub struct Foreign {
    orders: ChildStdin,
    told: watch::Receiver<Told>,
    _program: Group,
}

impl Foreign {
    /// Enters a room, with this codec (`h264` or `vp8`) for pictures, over this path alone.
    ///
    /// # Panics
    /// When it does not get in.
    pub async fn join(
        library: Library,
        server: &str,
        room: &str,
        name: &str,
        codec: &str,
        path: Path,
    ) -> Self {
        let scripts = programs::directory().join("peers");
        let mut command = Command::new(env::var_os("MARU_PYTHON").unwrap_or_else(|| "python3".into()));
        command.arg(scripts.join(library.script())).args([server, room, name, codec, path.argument()]);
        command.env("PYTHONDONTWRITEBYTECODE", "1"); // the checkout stays clean
        let mut program = Group::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let orders = program.leader().stdin.take().expect("stdin is a pipe");
        let output = program.leader().stdout.take().expect("stdout is a pipe");
        let (tell, told) = watch::channel(Told::default());
        // Ends with the program.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Kept, so that a test that misses something shows it.
                let event = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "unreadable": line }));
                tell.send_modify(|told| match event["event"].as_str() {
                    Some("picture") => told.picture = event,
                    Some("sound") => told.sound = event,
                    _ => told.events.push(event),
                });
            }
            tell.send_modify(|told| told.ended = true);
        });
        let peer = Self { orders, told, _program: program };
        peer.until_event("in the room", |event| event["event"] == "joined").await;
        peer
    }

    /// Its id in the room.
    pub async fn id(&self) -> String {
        let joined = self.until_event("in the room", |event| event["event"] == "joined").await;
        joined["id"].as_str().unwrap_or_default().to_owned()
    }

    /// The kinds of the candidates that it has told others of (`host`, `relay` …), in order.
    pub fn candidates(&self) -> Vec<String> {
        let told = self.told.borrow();
        let kinds = told.events.iter().filter(|event| event["event"] == "candidate");
        kinds.filter_map(|event| event["kind"].as_str().map(str::to_owned)).collect()
    }

    /// Waits for a picture that was taken after `after_ms` (UNIX milliseconds, by its time code) and gives
    /// when it was taken.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn picture_after(&self, after_ms: u64) -> u64 {
        self.until("a newer picture with a time code", |told| {
            told.picture["taken"].as_u64().filter(|taken| *taken > after_ms)
        })
        .await
    }

    /// Waits for a sound of this pitch.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn tone(&self, pitch_hz: u64) {
        self.until("a tone", |told| {
            let loud = told.sound["level"].as_f64()? > -40.0;
            let near = told.sound["pitch"].as_u64()?.abs_diff(pitch_hz) <= 10;
            (loud && near).then_some(())
        })
        .await
    }

    /// Waits for a message in the chat, and gives the channel's label and the message.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn chat(&self, text: &str) -> (String, Value) {
        let said = |event: &Value| event["event"] == "chat" && event["message"]["text"] == text;
        let event = self.until_event("a message", said).await;
        (event["label"].as_str().unwrap_or_default().to_owned(), event["message"].clone())
    }

    /// Says something in the chat, once the channel is open.
    ///
    /// # Panics
    /// When the channel does not open in time.
    pub async fn say(&mut self, text: &str) {
        self.until_event("an open channel", |event| event["event"] == "open").await;
        self.order(json!({ "do": "say", "text": text }));
    }

    /// Negotiates anew, whoever offered first.
    pub fn offer(&mut self) {
        self.order(json!({ "do": "offer" }));
    }

    /// Leaves the room.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn leave(mut self) {
        self.order(json!({ "do": "leave" }));
        self.until("the program's end", |told| told.ended.then_some(())).await;
    }

    fn order(&mut self, order: Value) {
        writeln!(self.orders, "{order}").expect("the peer takes orders");
    }

    async fn until_event(&self, what: &str, look: impl Fn(&Value) -> bool) -> Value {
        self.until(what, |told| told.events.iter().find(|event| look(event)).cloned()).await
    }

    async fn until<T>(&self, what: &str, look: impl Fn(&Told) -> Option<T>) -> T {
        let mut told = self.told.clone();
        let mut found = None;
        let waited = timeout(LIMIT, async {
            told.wait_for(|told| {
                found = look(told);
                found.is_some() || told.ended
            })
            .await
            .map(drop)
        })
        .await;
        match found {
            Some(found) => found,
            None => panic!("not seen by the foreign peer: {what} ({waited:?}); {:?}", self.told.borrow()),
        }
    }
}
