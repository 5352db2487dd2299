//! One peer's channel at work: what comes is sorted, what goes keeps to the window.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use maru_protocol::PeerId;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::desk::News;
use super::disk::{Piece, Write};
use super::ledger::Input;
use super::wire::{CHUNK_HEADER_BYTES, Control, Intake, WINDOW_BYTES, parse_chunk};
use crate::api::FileId;
use crate::peer::{FileChannel, FileMessage};

/// Pieces of a file that are read before they can be sent.
pub(super) const READ_AHEAD: usize = 16;
/// Messages that may wait for the channel. More than this, and the peer does not read.
const CONTROL_LIMIT: usize = 1024;

/// What a channel reports.
pub(super) enum LineNews {
    Opened,
    Said(Control),
    /// Bytes of this file that do not belong there, or more than may be on the way.
    Garbled(FileId),
    Closed,
}

/// Which bytes may come, and where they go.
pub(super) struct IntakeLine {
    file: FileId,
    intake: Intake,
    disk: mpsc::Sender<Write>,
}

impl IntakeLine {
    pub fn new(file: FileId, size: u64, disk: mpsc::Sender<Write>) -> Self {
        Self { file, intake: Intake::new(size), disk }
    }

    pub fn next(&self) -> u64 {
        self.intake.next()
    }
}

/// The files that come, by peer and id.
pub(super) type Intakes = Arc<Mutex<HashMap<(PeerId, u32), IntakeLine>>>;

/// The channel to one peer. Dropped, it is given up.
pub(super) struct Line {
    number: u64,
    peer_name: String,
    channel: Arc<FileChannel>,
    controls: mpsc::Sender<Control>,
    _stop: DropGuard,
}

impl Line {
    pub fn start(
        (peer, number): (PeerId, u64),
        peer_name: String,
        channel: FileChannel,
        intakes: Intakes,
        news: mpsc::Sender<News>,
    ) -> Self {
        let channel = Arc::new(channel);
        let (controls, mut queue) = mpsc::channel::<Control>(CONTROL_LIMIT);
        let stop = CancellationToken::new();
        let (ended, out) = (stop.clone(), Arc::clone(&channel));
        tokio::spawn(async move {
            let send = async {
                while let Some(control) = queue.recv().await
                    && out.send_text(&control.text()).await
                {}
            };
            let _ = ended.run_until_cancelled(send).await;
        });
        let (ended, incoming) = (stop.clone(), Arc::clone(&channel));
        tokio::spawn(async move {
            let receive = receive(peer, &incoming, &intakes, |line_news| {
                let news = &news;
                async move { news.send(News::Line(peer, number, line_news)).await.is_ok() }
            });
            if ended.run_until_cancelled(receive).await.is_none() {
                incoming.close().await;
            }
        });
        Self { number, peer_name, channel, controls, _stop: stop.drop_guard() }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn peer_name(&self) -> &str {
        &self.peer_name
    }

    pub fn channel(&self) -> Arc<FileChannel> {
        Arc::clone(&self.channel)
    }

    /// False when the peer does not read.
    pub fn tell(&self, control: Control) -> bool {
        self.controls.try_send(control).is_ok()
    }
}

/// Sorts what comes until the channel is closed. Waits when the desk is behind, so that the peer has to wait.
async fn receive<F: Future<Output = bool>>(
    peer: PeerId,
    channel: &FileChannel,
    intakes: &Intakes,
    tell: impl Fn(LineNews) -> F,
) {
    while let Some(message) = channel.recv().await {
        let news = match message {
            FileMessage::Open => LineNews::Opened,
            FileMessage::Text(text) => match Control::parse(&text) {
                Some(control) => LineNews::Said(control),
                None => continue,
            },
            FileMessage::Binary(bytes) => match take(peer, intakes, bytes.freeze()) {
                Some(garbled) => LineNews::Garbled(garbled),
                None => continue,
            },
        };
        if !tell(news).await {
            return;
        }
    }
    tell(LineNews::Closed).await;
}

/// Hands a file's bytes to its disk; the file, where they do not belong there. Bytes of a file that is not
/// awaited, because it was cancelled or never was, go nowhere.
fn take(peer: PeerId, intakes: &Intakes, mut message: Bytes) -> Option<FileId> {
    let (wire, offset) = parse_chunk(&message)?;
    message.advance(CHUNK_HEADER_BYTES);
    let mut intakes = intakes.lock();
    let line = intakes.get_mut(&(peer, wire))?;
    let taken = line.intake.take(offset, message.len()) && line.disk.try_send(Write::Chunk(message)).is_ok();
    (!taken).then_some(line.file)
}

/// Sends a file's pieces, as fast as the channel and the receiver's disk take them.
pub(super) async fn pump(
    channel: Arc<FileChannel>,
    (file, wire): (FileId, u32),
    mut pieces: mpsc::Receiver<Piece>,
    mut credit: watch::Receiver<u64>,
    news: mpsc::Sender<News>,
) {
    while let Some(piece) = pieces.recv().await {
        let input = match piece {
            Piece::Chunk { message, end } => {
                if credit.wait_for(|written| end <= written + WINDOW_BYTES).await.is_err()
                    || !channel.send(message).await
                {
                    return; // the channel's end says the rest
                }
                continue;
            }
            Piece::End { sha256 } => {
                if !channel.send_text(&Control::Done { id: wire, sha256 }.text()).await {
                    return;
                }
                Input::Sent(file)
            }
            Piece::Failed(problem) => Input::Unreadable(file, problem),
        };
        let _ = news.send(News::Ledger(input)).await; // the call is over
    }
}
