//! How something goes to a client: straight into the UDP socket it came to, or into the bounded queue of
//! its connection. Neither waits: what does not fit is dropped, and that is always the newest, because
//! whatever waits already was sent first and a stream cannot leave a part of it out.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::table::Key;
use super::udp::UdpLink;

/// Bytes that may wait for a client that reads too slowly: at 4 Mbit/s half a second, and what is older
/// is of no use in a call.
const WAITING_BYTES: usize = 256 * 1024;

/// A way to a client.
#[derive(Clone, Debug)]
pub(super) enum Link {
    Udp(Arc<UdpLink>),
    Queue(Arc<Queue>),
}

impl Link {
    /// Sends one message or one channel's data; `false` when it was dropped.
    pub(super) fn send(&self, to: &Key, packet: &[u8]) -> bool {
        match self {
            Self::Udp(link) => link.send(to, packet),
            Self::Queue(queue) => queue.push(packet),
        }
    }
}

/// Frames that wait for one connection's writer, each padded as streams want it (RFC 8656, section
/// 12.5).
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Vec<u8>>,
    ready: Notify,
}

impl Queue {
    /// Adds a frame; `false` when there is no room.
    pub(super) fn push(&self, frame: &[u8]) -> bool {
        let mut waiting = self.waiting.lock();
        let padded = waiting.len() + frame.len().next_multiple_of(4);
        if padded > WAITING_BYTES {
            return false;
        }
        let first = waiting.is_empty();
        waiting.extend_from_slice(frame);
        waiting.resize(padded, 0);
        drop(waiting);
        if first {
            self.ready.notify_one();
        }
        true
    }

    /// Waits for frames and takes all that are there, in exchange for an empty buffer.
    pub(super) async fn take(&self, empty: &mut Vec<u8>) {
        loop {
            {
                let mut waiting = self.waiting.lock();
                if !waiting.is_empty() {
                    std::mem::swap(&mut *waiting, empty);
                    return;
                }
            }
            self.ready.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_is_bounded_keeps_the_order_and_pads() {
        let queue = Queue::default();
        assert!(queue.push(&[0x40, 0, 0, 1, 7]));
        assert!(queue.push(&[0x40, 0, 0, 0]));
        let mut taken = Vec::new();
        queue.take(&mut taken).await;
        assert_eq!(taken, [0x40, 0, 0, 1, 7, 0, 0, 0, 0x40, 0, 0, 0]);

        let big = vec![1; 100_000];
        assert!(queue.push(&big) && queue.push(&big));
        assert!(!queue.push(&big), "the newest is dropped");
        taken.clear();
        queue.take(&mut taken).await;
        assert_eq!(taken.len(), 200_000);
        assert!(queue.push(&big), "there is room again");
    }
}
