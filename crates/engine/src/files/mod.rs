//! Files from person to person, over a data channel beside the chat's: offers, answers, bytes, progress. Nothing
//! comes that the person did not accept, and of what comes nothing stays that is not what was sent.
//!
//! `wire` is what is said, `ledger` what it means (pure, told the time), `disk` reads and writes, `line` is one
//! peer's channel, and `desk` the task that brings them together. They refuse to know how connections come about.

mod desk;
mod disk;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ledger;
mod line;
mod name;
mod pace;
mod problems;
mod wire;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use maru_protocol::PeerId;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::desk::{Desk, Order};
use self::disk::Source;
use crate::api::{FileId, FileView, PickedFile};
use crate::notice::{Notice, Problem};
use crate::peer::FileChannel;

pub use self::wire::FILE_MAX_BYTES;
pub(crate) use self::wire::LABEL;

/// Orders that may wait.
const ORDER_LIMIT: usize = 512;
/// How long the disks may take to let go.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Picked files that can be offered; the oldest go.
const PICKED_LIMIT: usize = 256;

/// Files that a person picked, by handles that say nothing about where they are: whoever shows the call can
/// have these sent, and no others.
#[derive(Clone, Default)]
pub(crate) struct Picked(Arc<Mutex<Handles>>);

#[derive(Default)]
struct Handles {
    next: u32,
    files: VecDeque<(u32, Source)>,
}

impl Picked {
    /// Takes a file in. Blocks on the disk.
    ///
    /// # Errors
    /// When it is no file, may not be read, or is too large.
    pub fn add(&self, path: PathBuf) -> Result<PickedFile, Problem> {
        let source = Source::open(path)?;
        if source.size > FILE_MAX_BYTES {
            return Err(problems::too_large(source.name, FILE_MAX_BYTES));
        }
        let (name, size) = (source.name.clone(), source.size);
        let mut picked = self.0.lock();
        let handle = picked.next;
        picked.next = picked.next.wrapping_add(1);
        if picked.files.len() == PICKED_LIMIT {
            picked.files.pop_front();
        }
        picked.files.push_back((handle, source));
        Ok(PickedFile { handle, name, size })
    }

    fn get(&self, handle: u32) -> Option<Source> {
        self.0.lock().files.iter().find(|(known, _)| *known == handle).map(|(_, source)| source.clone())
    }
}

/// The desk as the call sees it. Dropped, everything under way ends.
pub(crate) struct Files {
    orders: mpsc::Sender<Order>,
    picked: Picked,
    views: watch::Receiver<Vec<FileView>>,
    notices: mpsc::Receiver<Notice>,
    desk: JoinHandle<()>,
}

impl Files {
    /// `folder` is where what comes is saved; `seed` should be another one each time.
    pub fn start(folder: Option<PathBuf>, picked: Picked, seed: u32) -> Self {
        let (orders, queue) = mpsc::channel(ORDER_LIMIT);
        let (views_in, views) = watch::channel(Vec::new());
        let (notices_in, notices) = mpsc::channel(4);
        let desk = tokio::spawn(Desk::new(folder, seed, views_in, notices_in).run(queue));
        Self { orders, picked, views, notices, desk }
    }

    /// Offers a picked file to these peers; false when there is no such file.
    pub fn offer(&self, handle: u32, peers: Vec<(PeerId, String)>) -> bool {
        let Some(source) = self.picked.get(handle) else { return false };
        self.order(Order::Offer(source, peers));
        true
    }

    pub fn accept(&self, file: FileId) {
        self.order(Order::Accept(file));
    }

    pub fn cancel(&self, file: FileId) {
        self.order(Order::Cancel(file));
    }

    pub fn channel(&self, peer: PeerId, name: String, channel: FileChannel) {
        self.order(Order::Channel(peer, name, channel));
    }

    pub fn gone(&self, peer: PeerId) {
        self.order(Order::Gone(peer));
    }

    pub fn clear(&self) {
        self.order(Order::Clear);
    }

    /// Ends everything, so that nothing is left of what is not whole; waits for a disk that hangs only so long.
    pub async fn close(&mut self) {
        self.order(Order::Close);
        if tokio::time::timeout(CLOSE_TIMEOUT, &mut self.desk).await.is_err() {
            tracing::warn!("the disk did not let go of a file in time");
        }
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::warn!("what was wanted of a file was dropped");
        }
    }

    /// All transfers, the oldest first.
    pub fn views(&self) -> Vec<FileView> {
        self.views.borrow().clone()
    }

    /// Waits until there is something new to show, and something to tell the person perhaps.
    pub async fn changed(&mut self) -> Option<Notice> {
        tokio::select! {
            Some(notice) = self.notices.recv() => Some(notice),
            changed = self.views.changed() => match changed {
                Ok(()) => None,
                Err(_) => std::future::pending().await, // the desk is closed, nothing changes any more
            },
        }
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
