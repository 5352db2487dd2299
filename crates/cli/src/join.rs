//! `maru-cli join`: one participant, with a terminal as its window.

use std::collections::HashMap;
use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use maru_devices::{Options, SystemDevices};
use maru_engine::{
    CallState, CallView, ChatMessage, Choice, Command, Engine, EngineConfig, Event, PeerState,
};
use maru_media::voice::VoiceSettings;
use maru_media::{DeviceError, DeviceKind, Devices, VideoCodec};
use maru_protocol::{IceServer, Invite, PeerId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::args::{self, Join};
use crate::files::{self, Files};
use crate::output::{Meter, snapshots};
use crate::server::Server;
use crate::{participant, platform};

const HELP: &str = "\
  a line         is said to everybody
  /mute /unmute  the microphone
  /camera on|off the camera
  /devices       what there is, and what is in use
  /use ID        use this camera, microphone or speaker
  /test          play a sound on the speaker
  /share SOURCE  show everybody a screen or window
  /unshare       show it no more
  /send FILE     offer a file to everybody
  /accept N      take the file with this number
  /cancel N      decline it, or end it
  /files         all files, and how far they are
  /quit          leave";

pub async fn run(args: Join) -> anyhow::Result<ExitCode> {
    let limit = args.seconds.map(|seconds| args::seconds("--seconds", seconds)).transpose()?;
    let join_after = args.join_after.map(|seconds| args::seconds("--join-after", seconds)).transpose()?;
    let every = args.json_every.map(|seconds| args::seconds("--json-every", seconds)).transpose()?;
    let devices = Arc::new(SystemDevices::new(Options::default()));
    say_what_is_missing(&*devices, &args);
    if Invite::is_meant(&args.room) && (args.server.is_some() || args.guests_on_network) {
        anyhow::bail!("An invite names its own server: leave --server and --guests-on-network away.");
    }
    let server = Server::choose(args.server.as_deref(), args.guests_on_network, !args.no_lan)?;
    let engine = Engine::start(EngineConfig {
        camera: args.camera.clone().unwrap_or_default(),
        microphone: args.microphone.clone().unwrap_or_default(),
        speaker: args.speaker.clone().unwrap_or_default(),
        muted: args.muted,
        camera_off: args.camera_off,
        voice: VoiceSettings {
            echo: args.echo_cancellation.into(),
            noise: !args.no_noise_suppression,
            gain: !args.no_gain_control,
        },
        token: args.token.clone(),
        ice_servers: ice_servers(&args),
        addresses: args.addresses.into(),
        video_codecs: args.video_codec.map_or_else(|| VideoCodec::BUILT_IN.to_vec(), |codec| vec![codec]),
        downloads: args.downloads.clone().or_else(files::downloads),
        ..participant::config(devices, server.locator())
    })
    .context("The call cannot be started")?;

    let meter = Meter::start();
    let mut terminal = Terminal::new(&engine, args.json || every.is_some());
    terminal.files.accept_all = args.accept_files;
    for path in &args.send {
        terminal.files.to_send.push(files::pick(&engine, path.clone()).await?);
    }
    let reporting = every.map(|every| tokio::spawn(report_every(every, engine.clone(), meter)));
    if let Some(pause) = join_after {
        engine.command(Command::Expect { room: Some(args.room.clone()) }).await;
        tokio::time::sleep(pause).await;
    }
    let joined = participant::join(&engine, &args.room, &args.name).await;
    let outcome = match joined {
        Ok(view) => {
            terminal.welcome(&view);
            if let Some(source) = args.share.clone() {
                engine.command(Command::StartShare { source }).await;
            }
            terminal.run(limit).await
        }
        Err(error) => Err(error),
    };
    // Before leaving: the numbers are about the call, and the pictures still there.
    let report = engine.report().await;
    if let Some(reporting) = reporting {
        reporting.abort();
    }
    let files = match &args.snapshot {
        Some(dir) => snapshots(&engine, dir, ""),
        None => Ok(Vec::new()),
    };
    engine.shutdown().await;
    server.shutdown().await;
    outcome?;
    for file in files? {
        eprintln!("saved {}", file.display());
    }
    if args.json {
        let report = report.context("The call ended before it could be described")?;
        println!("{}", serde_json::to_string(&meter.report(report, 1))?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints reports until the engine is gone or the task is ended.
async fn report_every(every: Duration, engine: Engine, meter: Meter) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(report) = engine.report().await else { return };
        match serde_json::to_string(&meter.report(report, 1)) {
            Ok(line) => println!("{line}"),
            Err(error) => tracing::warn!(%error, "a report cannot be written"),
        }
    }
}

/// What was asked for by its id and is not there. The engine waits for it and uses something else meanwhile,
/// silently: as a rule it was chosen another day.
fn say_what_is_missing(devices: &dyn Devices, args: &Join) {
    let wanted = [
        (DeviceKind::Camera, &args.camera),
        (DeviceKind::Microphone, &args.microphone),
        (DeviceKind::Speaker, &args.speaker),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .filter_map(|(kind, choice)| match choice {
            Some(Choice::Device(id)) => id.system_name(kind).map(|_| (kind, id)),
            _ => None,
        })
        .collect();
    // Listing takes a moment.
    if wanted.is_empty() {
        return;
    }
    let list = devices.list();
    for (kind, id) in wanted {
        if list.find(kind, id).is_none() {
            eprintln!("! {}", DeviceError::Unknown { kind, id: id.clone() });
        }
    }
}

fn ice_servers(args: &Join) -> Vec<IceServer> {
    if args.ice_servers.is_empty() {
        return Vec::new();
    }
    vec![IceServer {
        urls: args.ice_servers.clone(),
        username: args.ice_user.clone(),
        credential: args.ice_password.clone(),
    }]
}

struct Terminal<'a> {
    engine: &'a Engine,
    /// Standard output belongs to the report.
    quiet: bool,
    known: HashMap<PeerId, (String, PeerState)>,
    notice: Option<String>,
    call: CallState,
    files: Files,
}

impl<'a> Terminal<'a> {
    fn new(engine: &'a Engine, quiet: bool) -> Self {
        Self {
            engine,
            quiet,
            known: HashMap::new(),
            notice: None,
            call: CallState::Idle,
            files: Files::default(),
        }
    }

    fn print(&self, line: &str) {
        if self.quiet { eprintln!("{line}") } else { println!("{line}") }
    }

    fn welcome(&self, view: &CallView) {
        let room = view.room.as_ref().map_or("", |room| room.as_str());
        let others = match view.peers.len() {
            0 => "You are the first one here.".to_owned(),
            1 => "One other person is here.".to_owned(),
            count => format!("{count} others are here."),
        };
        self.print(&format!("In the room “{room}”. {others}"));
        if let Some(link) = view.links.first() {
            self.print(&format!("A browser joins with {}", link.url));
            if let Some(fingerprint) = &link.fingerprint {
                self.print(&format!("and warns of a certificate whose SHA-256 fingerprint is {fingerprint}"));
            }
        }
        if std::io::stdin().is_terminal() {
            self.print("Type to chat, /help for commands.");
        }
    }

    async fn run(&mut self, limit: Option<Duration>) -> anyhow::Result<()> {
        let mut events = self.engine.events();
        let mut lines = read_lines();
        let mut input_over = false;
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        let end = platform::asked_to_end();
        tokio::pin!(end);
        self.shown(&self.engine.view()).await;
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                () = &mut end => return Ok(()),
                line = lines.recv(), if !input_over => match line {
                    Some(line) => if !self.line(&line).await { return Ok(()) },
                    None => input_over = true,
                },
                event = events.recv() => match event {
                    Ok(Event::View { view }) => self.shown(&view).await,
                    Ok(Event::Chat { message }) => self.chat(&message),
                    Ok(Event::Levels { .. } | Event::Stats { .. }) => {}
                    Err(RecvError::Lagged(_)) => self.shown(&self.engine.view()).await,
                    Err(RecvError::Closed) => return Ok(()),
                },
            }
            if self.call == CallState::Idle {
                anyhow::bail!(self.notice.take().unwrap_or_else(|| "The call ended.".into()));
            }
        }
    }

    fn chat(&self, message: &ChatMessage) {
        if message.from.is_some() {
            self.print(&format!("{}: {}", message.name, message.text));
        }
    }

    /// Says what changed, and does what follows from it.
    async fn shown(&mut self, view: &CallView) {
        self.view(view);
        let (lines, commands) = self.files.shown(view);
        for line in lines {
            self.print(&line);
        }
        for command in commands {
            self.engine.command(command).await;
        }
    }

    /// Says what changed.
    fn view(&mut self, view: &CallView) {
        for peer in &view.peers {
            let before = self.known.insert(peer.id, (peer.name.clone(), peer.state));
            match (before.map(|(_, state)| state), peer.state) {
                (Some(before), now) if before == now => {}
                (Some(PeerState::Restarting), PeerState::Connected) => {
                    self.print(&format!("* {} is back", peer.name))
                }
                (_, PeerState::Connected) => self.print(&format!("* {} is here", peer.name)),
                (_, PeerState::Restarting) => self.print(&format!("* {} is reconnecting", peer.name)),
                _ => {}
            }
        }
        let gone: Vec<_> =
            self.known.keys().filter(|id| !view.peers.iter().any(|peer| peer.id == **id)).copied().collect();
        for id in gone {
            if let Some((name, _)) = self.known.remove(&id) {
                self.print(&format!("* {name} left"));
            }
        }
        if self.call == CallState::InCall && view.call == CallState::Reconnecting {
            self.print("* The server is out of reach; reconnecting. The call goes on.");
        }
        self.call = view.call;
        let notice = view.notice.as_ref().map(|notice| notice.text.clone());
        if notice != self.notice
            && let Some(text) = &notice
        {
            eprintln!("! {text}");
        }
        self.notice = notice;
    }

    /// Does what a typed line says; false to leave.
    async fn line(&self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        let command = match (words.next(), words.next()) {
            (None, _) => return true,
            (Some("/quit" | "/leave"), _) => return false,
            (Some("/mute"), _) => Command::SetMuted { muted: true },
            (Some("/unmute"), _) => Command::SetMuted { muted: false },
            (Some("/camera"), Some("on")) => Command::SetCameraOff { camera_off: false },
            (Some("/camera"), Some("off")) => Command::SetCameraOff { camera_off: true },
            (Some("/devices"), _) => {
                self.engine.command(Command::RefreshDevices).await;
                self.devices();
                return true;
            }
            (Some("/test"), _) => Command::TestSpeaker,
            (Some("/share"), Some(_)) => {
                let source = line.trim_start().trim_start_matches("/share").trim();
                match args::screen_source(source) {
                    Ok(source) => Command::StartShare { source },
                    Err(problem) => {
                        eprintln!("! {problem}");
                        return true;
                    }
                }
            }
            (Some("/unshare"), _) => Command::StopShare,
            (Some("/send"), Some(_)) => {
                let path = line.trim_start().trim_start_matches("/send").trim();
                match files::pick(self.engine, path.into()).await {
                    Ok(file) => Command::OfferFile { handle: file.handle },
                    Err(problem) => {
                        eprintln!("! {problem}");
                        return true;
                    }
                }
            }
            (Some(word @ ("/accept" | "/cancel")), Some(id)) => match id.parse() {
                Ok(id) if word == "/accept" => Command::AcceptFile { id },
                Ok(id) => Command::CancelFile { id },
                Err(_) => {
                    eprintln!("! “{id}” is no file's number. /files lists them.");
                    return true;
                }
            },
            (Some("/files"), _) => {
                for file in &self.engine.view().files {
                    self.print(&files::describe(file));
                }
                return true;
            }
            (Some("/use"), Some(id)) => match self.kind_of(id) {
                Some(kind) => Command::SelectDevice { kind, id: Some(maru_media::DeviceId::new(id)) },
                None => {
                    eprintln!("! There is no device “{id}”. /devices lists what there is.");
                    return true;
                }
            },
            (Some("/help"), _) => {
                self.print(HELP);
                return true;
            }
            (Some(word), _) if word.starts_with('/') => {
                eprintln!("! There is no command {word}. /help lists what there is.");
                return true;
            }
            _ => Command::SendChat { text: line.to_owned() },
        };
        self.engine.command(command).await;
        true
    }

    fn kind_of(&self, id: &str) -> Option<DeviceKind> {
        let view = self.engine.view();
        [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker]
            .into_iter()
            .find(|kind| view.devices.of(*kind).iter().any(|device| device.id.as_str() == id))
            .or(match id {
                "test-pattern" => Some(DeviceKind::Camera),
                "tone" | "silence" => Some(DeviceKind::Microphone),
                "null" => Some(DeviceKind::Speaker),
                id if id.ends_with(".y4m") => Some(DeviceKind::Camera),
                _ => None,
            })
    }

    fn devices(&self) {
        let view = self.engine.view();
        let used = [&view.me.camera, &view.me.microphone, &view.me.speaker];
        for (kind, used) in
            [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker].into_iter().zip(used)
        {
            for device in view.devices.of(kind) {
                let mark = if used.as_ref() == Some(&device.id) { "*" } else { " " };
                self.print(&format!("{mark} {kind}: {} ({})", device.label(), device.id));
            }
        }
    }
}

/// Lines of standard input, read by a thread of their own since reading them cannot be interrupted.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    let spawned = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "typed lines are not read");
    }
    receiver
}
