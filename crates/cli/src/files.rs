//! Files on a terminal: what there is to say about them, and what follows from flags.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use maru_engine::{
    CallView, Command, Engine, FileDirection, FileId, FileState, FileView, PeerState, PickedFile,
};

/// The person's folder for downloads.
pub fn downloads() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    Some(folders.download_dir().map_or_else(|| folders.home_dir().join("Downloads"), Into::into))
}

/// Takes a file in that is to be offered.
pub async fn pick(engine: &Engine, path: PathBuf) -> anyhow::Result<PickedFile> {
    let engine = engine.clone();
    let picked = tokio::task::spawn_blocking(move || engine.pick_file(path)).await;
    picked.context("The file cannot be looked at")?.map_err(|problem| anyhow::anyhow!(problem.text))
}

/// The files of a call as a terminal knows them.
#[derive(Default)]
pub struct Files {
    /// To offer as soon as somebody is there.
    pub to_send: Vec<PickedFile>,
    /// The person said so beforehand.
    pub accept_all: bool,
    known: HashMap<FileId, FileState>,
    began: HashMap<FileId, Instant>,
}

impl Files {
    /// What is new, in words, and what to do now.
    pub fn shown(&mut self, view: &CallView) -> (Vec<String>, Vec<Command>) {
        let (mut lines, mut commands) = (Vec::new(), Vec::new());
        let takes = |peer: &maru_engine::PeerView| peer.state == PeerState::Connected && peer.takes_files;
        if view.peers.iter().any(takes) {
            let offers = self.to_send.drain(..).map(|file| Command::OfferFile { handle: file.handle });
            commands.extend(offers);
        }
        for file in &view.files {
            let before = self.known.insert(file.id, file.state);
            if before == Some(file.state) {
                continue;
            }
            if file.state == FileState::Moving {
                self.began.entry(file.id).or_insert_with(Instant::now);
            }
            let offered = file.state == FileState::Offered && file.direction == FileDirection::Receiving;
            if offered && self.accept_all {
                commands.push(Command::AcceptFile { id: file.id });
            }
            let took = self.began.get(&file.id).filter(|_| file.state == FileState::Done);
            let took =
                took.map_or_else(String::new, |began| format!(" ({})", rate(file.size, began.elapsed())));
            let hint = if offered && !self.accept_all {
                format!(": /accept {0} or /cancel {0}", file.id)
            } else {
                took
            };
            lines.push(format!("* {}{hint}", describe(file)));
        }
        (lines, commands)
    }
}

fn rate(bytes: u64, took: Duration) -> String {
    let (mb, seconds) = (bytes as f64 / 1e6, took.as_secs_f64());
    format!("{mb:.1} MB in {seconds:.1} s, {:.1} MB/s", mb / seconds.max(1e-3))
}

/// One file in one line.
pub fn describe(file: &FileView) -> String {
    let way = match file.direction {
        FileDirection::Sending => "to",
        FileDirection::Receiving => "from",
    };
    let percent = (file.moved * 100).checked_div(file.size).unwrap_or(100);
    let state = match (file.state, file.direction) {
        (FileState::Offered, _) => format!("offered, {:.1} MB", file.size as f64 / 1e6),
        (FileState::Moving, _) => {
            let left = file.seconds_left.map_or_else(String::new, |left| format!(", {left} s left"));
            format!("{percent} %, {:.1} MB/s{left}", file.speed as f64 / 1e6)
        }
        (FileState::Waiting, _) => format!("{percent} %, waiting for the connection"),
        (FileState::Checking, _) => "checking".to_owned(),
        (FileState::Done, FileDirection::Sending) => "sent".to_owned(),
        (FileState::Done, FileDirection::Receiving) => {
            format!("saved as “{}”", file.saved_as.as_deref().unwrap_or(&file.name))
        }
        (FileState::Declined, _) => "declined".to_owned(),
        (FileState::Cancelled, _) => "cancelled".to_owned(),
        (FileState::Failed, _) => {
            file.problem.as_ref().map_or_else(|| "failed".to_owned(), |problem| problem.text.clone())
        }
    };
    format!("file {} {way} {}, “{}”: {state}", file.id, file.peer_name, file.name)
}
