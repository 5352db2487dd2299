//! The task that does what the ledger says: it brings together channels, disks and what the person wants.
//! Bytes do not pass through it: they go from a disk's thread to a channel and back.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use maru_protocol::PeerId;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::disk::{self, Digest, Source, Write, Written};
use super::ledger::{Input, Ledger, NewOffer, Output};
use super::line::{self, Intakes, Line, LineNews};
use super::problems;
use super::wire::Control;
use crate::api::{FileId, FileView};
use crate::notice::{Notice, NoticeCode};
use crate::peer::FileChannel;

/// Progress is shown this often.
const TICK: Duration = Duration::from_millis(500);
/// News of channels and disks that may wait; who brings them waits when there are more.
const NEWS_LIMIT: usize = 256;
/// Messages of a file that may wait for the disk. More than this, and the sender does not keep to the window.
const DISK_QUEUE: usize = 512;

/// What the call wants of the desk.
pub(super) enum Order {
    /// Offer a file to these peers.
    Offer(Source, Vec<(PeerId, String)>),
    Accept(FileId),
    Cancel(FileId),
    /// A connection to a peer of this name has a channel for files.
    Channel(PeerId, String, FileChannel),
    /// A peer left.
    Gone(PeerId),
    /// A new call begins.
    Clear,
    /// Everything ends.
    Close,
}

/// What channels and disks report.
pub(super) enum News {
    Line(PeerId, u64, LineNews),
    Ledger(Input),
}

/// A file that is sent.
struct Sending {
    source: Arc<Source>,
    digest: Arc<Mutex<Digest>>,
    credit: watch::Sender<u64>,
    /// Ends the pump.
    running: Option<DropGuard>,
}

/// A file that comes; dropped, what is written is taken away.
struct Receiving {
    orders: mpsc::Sender<Write>,
    wire: (PeerId, u32),
}

pub(super) struct Desk {
    ledger: Ledger,
    folder: Option<PathBuf>,
    lines: HashMap<PeerId, Line>,
    line_count: u64,
    intakes: Intakes,
    sending: HashMap<FileId, Sending>,
    receiving: HashMap<FileId, Receiving>,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    views: watch::Sender<Vec<FileView>>,
    notices: mpsc::Sender<Notice>,
}

impl Desk {
    pub fn new(
        folder: Option<PathBuf>,
        seed: u32,
        views: watch::Sender<Vec<FileView>>,
        notices: mpsc::Sender<Notice>,
    ) -> Self {
        Self {
            ledger: Ledger::new(seed),
            folder,
            lines: HashMap::new(),
            line_count: 0,
            intakes: Intakes::default(),
            sending: HashMap::new(),
            receiving: HashMap::new(),
            news: mpsc::channel(NEWS_LIMIT),
            views,
            notices,
        }
    }

    /// Runs until it is closed, or nobody orders any more.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let mut changed = true;
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Close) | None => return self.end().await,
                    Some(order) => self.order(order),
                },
                Some(news) = self.news.1.recv() => changed = self.news(news),
                _ = tick.tick(), if self.ledger.is_moving() => {}
            }
            self.perform();
            if changed {
                self.show();
            }
        }
    }

    /// Lets go of everything, and waits for the disks: they take away what is not whole.
    async fn end(mut self) {
        self.lines.clear();
        self.sending.clear();
        self.receiving.clear();
        self.intakes.lock().clear();
        let (sender, mut news) = self.news;
        drop(sender);
        while news.recv().await.is_some() {}
    }

    fn show(&self) {
        let views = self.ledger.views(Instant::now());
        self.views.send_if_modified(|shown| {
            let changed = *shown != views;
            *shown = views;
            changed
        });
    }

    fn input(&mut self, input: Input) {
        self.ledger.handle(Instant::now(), now_ms(), input);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Offer(source, peers) => self.offer(source, peers),
            Order::Accept(file) => self.input(Input::Accept(file)),
            Order::Cancel(file) => self.input(Input::Cancel(file)),
            Order::Channel(peer, name, channel) => {
                self.line_count += 1;
                let line = Line::start(
                    (peer, self.line_count),
                    name,
                    channel,
                    Arc::clone(&self.intakes),
                    self.news.0.clone(),
                );
                self.lines.insert(peer, line);
            }
            Order::Gone(peer) => {
                self.lines.remove(&peer);
                self.input(Input::Gone(peer));
            }
            Order::Clear => self.ledger.clear(),
            Order::Close => {} // the end of the loop
        }
    }

    fn offer(&mut self, source: Source, peers: Vec<(PeerId, String)>) {
        let source = Arc::new(source);
        for (peer, peer_name) in peers {
            let (name, size) = (source.name.clone(), source.size);
            match self.ledger.offer(NewOffer { peer, peer_name, name, size, at_ms: now_ms() }) {
                Ok(file) => {
                    let sending = Sending {
                        source: Arc::clone(&source),
                        digest: Arc::default(),
                        credit: watch::Sender::new(0),
                        running: None,
                    };
                    self.sending.insert(file, sending);
                }
                Err(problem) => {
                    let _ = self.notices.try_send(problem.notice(NoticeCode::File)); // there is one already
                }
            }
        }
    }

    /// Whether there is something new to see at once; progress has time.
    fn news(&mut self, news: News) -> bool {
        match news {
            News::Ledger(input) => {
                let progress = matches!(input, Input::Written(..));
                self.input(input);
                !progress
            }
            News::Line(peer, number, news) => {
                let Some(line) = self.lines.get(&peer).filter(|line| line.number() == number) else {
                    return false; // of a connection that was given up
                };
                let name = line.peer_name().to_owned();
                match news {
                    LineNews::Opened => self.input(Input::Opened(peer)),
                    LineNews::Said(control) => {
                        let progress = matches!(control, Control::Got { .. });
                        self.input(Input::Said(peer, name, control));
                        return !progress;
                    }
                    LineNews::Garbled(file) => self.input(Input::Garbled(file)),
                    LineNews::Closed => {
                        self.lines.remove(&peer);
                        self.input(Input::Closed(peer));
                    }
                }
                true
            }
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.ledger.poll() {
            match output {
                Output::Tell(peer, control) => self.tell(peer, control),
                Output::Read { file, peer, wire, offset } => self.read(file, peer, wire, offset),
                Output::Credit(file, offset) => {
                    if let Some(sending) = self.sending.get(&file) {
                        sending.credit.send_replace(offset);
                    }
                }
                Output::StopReading(file) => self.stop_reading(file),
                Output::OpenPart { file, peer, wire, name, size } => {
                    self.open_part(file, (peer, wire), name, size)
                }
                Output::Continue { peer, wire } => {
                    let next = self.intakes.lock().get(&(peer, wire)).map(|intake| intake.next());
                    if let Some(offset) = next {
                        self.tell(peer, Control::Accept { id: wire, offset });
                    }
                }
                Output::Finish { file, sha256 } => {
                    let told =
                        self.receiving.get(&file).map(|part| part.orders.try_send(Write::Finish(sha256)));
                    if !matches!(told, Some(Ok(()))) {
                        self.input(Input::Garbled(file));
                    }
                }
                Output::Discard(file) => self.forget(file),
            }
        }
    }

    fn tell(&mut self, peer: PeerId, control: Control) {
        if self.lines.get(&peer).is_some_and(|line| !line.tell(control)) {
            // It does not read: it comes back with another connection, or it does not.
            self.lines.remove(&peer);
            self.input(Input::Closed(peer));
        }
    }

    fn read(&mut self, file: FileId, peer: PeerId, wire: u32, offset: u64) {
        let (Some(sending), Some(line)) = (self.sending.get_mut(&file), self.lines.get(&peer)) else {
            return;
        };
        let stop = CancellationToken::new();
        sending.running = Some(stop.clone().drop_guard());
        sending.credit.send_replace(offset);
        let (source, digest) = (Arc::clone(&sending.source), Arc::clone(&sending.digest));
        let (pieces, queue) = mpsc::channel(line::READ_AHEAD);
        tokio::task::spawn_blocking(move || disk::read(&source, &digest, wire, offset, &pieces));
        let pump =
            line::pump(line.channel(), (file, wire), queue, sending.credit.subscribe(), self.news.0.clone());
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(pump).await;
        });
    }

    /// Its source stays for when it goes on; where it does not, it goes.
    fn stop_reading(&mut self, file: FileId) {
        if self.ledger.is_over(file) {
            self.sending.remove(&file);
        } else if let Some(sending) = self.sending.get_mut(&file) {
            sending.running = None;
        }
    }

    fn open_part(&mut self, file: FileId, wire: (PeerId, u32), name: String, size: u64) {
        let Some(folder) = self.folder.clone() else {
            let (problem, refusal) = problems::no_folder();
            return self.input(Input::WriteFailed(file, problem, refusal));
        };
        let (orders, queue) = mpsc::channel(DISK_QUEUE);
        self.intakes.lock().insert(wire, line::IntakeLine::new(file, size, orders.clone()));
        self.receiving.insert(file, Receiving { orders, wire });
        let news = self.news.0.clone();
        tokio::task::spawn_blocking(move || {
            disk::write(&folder, &name, size, queue, |written| {
                let input = match written {
                    Written::Opened => Input::PartOpened(file),
                    Written::UpTo(offset) => Input::Written(file, offset),
                    Written::Failed(problem, refusal) => Input::WriteFailed(file, problem, refusal),
                    Written::Saved(name) => Input::Saved(file, name),
                };
                let _ = news.blocking_send(News::Ledger(input)); // the call is over
            });
        });
    }

    fn forget(&mut self, file: FileId) {
        if let Some(part) = self.receiving.remove(&file) {
            self.intakes.lock().remove(&part.wire);
        }
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
