//! The bounded queue of what waits for one client. It costs next to nothing while it is empty: most
//! clients wait for hours between two messages.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Places that an empty queue keeps.
const KEPT_PLACES: usize = 4;

/// A mailbox that holds at most `messages` and `bytes`.
pub(crate) fn mailbox(messages: usize, bytes: usize) -> (Mailbox, Outbox) {
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        more: Notify::new(),
        ended: Notify::new(),
        messages: messages.max(1),
        bytes,
    });
    (Mailbox { shared: Arc::clone(&shared) }, Outbox { shared })
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to take, or the end.
    more: Notify,
    /// The end, of either kind.
    ended: Notify,
    messages: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Utf8Bytes>,
    bytes: usize,
    overflown: bool,
    closed: bool,
}

/// No room for one more: the client reads too slowly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The end that the server writes to. Dropping it ends the connection after what waits is sent.
#[derive(Debug)]
pub(crate) struct Mailbox {
    shared: Arc<Shared>,
}

impl Mailbox {
    /// Adds a message.
    ///
    /// # Errors
    /// [`Full`] when the queue's bound is reached. The connection then ends without what waits.
    pub(crate) fn push(&self, message: Utf8Bytes) -> Result<(), Full> {
        let shared = &*self.shared;
        let mut queue = shared.queue.lock();
        // One message always fits, whatever its size.
        let too_large = queue.bytes > 0 && queue.bytes + message.len() > shared.bytes;
        if too_large || queue.waiting.len() >= shared.messages {
            queue.overflown = true;
            drop(queue);
            shared.ended.notify_waiters();
            return Err(Full);
        }
        queue.bytes += message.len();
        queue.waiting.push_back(message);
        drop(queue);
        shared.more.notify_one();
        Ok(())
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.ended.notify_waiters();
        self.shared.more.notify_one();
    }
}

/// The end that the connection's writer reads from.
#[derive(Debug)]
pub(crate) struct Outbox {
    shared: Arc<Shared>,
}

impl Outbox {
    /// The next message; `None` when there will be no more. Cancelling loses nothing. Only one may wait
    /// at a time.
    pub(crate) async fn next(&self) -> Option<Utf8Bytes> {
        loop {
            {
                let mut queue = self.shared.queue.lock();
                if let Some(message) = queue.waiting.pop_front() {
                    queue.bytes -= message.len();
                    if queue.waiting.is_empty() {
                        queue.waiting.shrink_to(KEPT_PLACES);
                    }
                    return Some(message);
                }
                if queue.closed {
                    return None;
                }
            }
            self.shared.more.notified().await;
        }
    }

    /// Resolves when the queue was full.
    pub(crate) async fn overflown(&self) {
        self.until(|queue| queue.overflown).await;
    }

    /// Resolves when nothing more will come than what waits.
    pub(crate) async fn closed(&self) {
        self.until(|queue| queue.closed).await;
    }

    async fn until(&self, reached: impl Fn(&Queue) -> bool) {
        loop {
            // Before the look: from here on no notice is missed.
            let ended = self.shared.ended.notified();
            if reached(&self.shared.queue.lock()) {
                return;
            }
            ended.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_pushed_comes_out_in_order_and_then_the_end() {
        let (mailbox, outbox) = mailbox(4, 100);
        for text in ["one", "two"] {
            mailbox.push(text.into()).unwrap();
        }
        assert!(outbox.closed().now_or_never().is_none());
        drop(mailbox);
        outbox.closed().await;
        assert_eq!(outbox.next().await.as_deref(), Some("one"));
        assert_eq!(outbox.next().await.as_deref(), Some("two"));
        assert_eq!(outbox.next().await, None);
    }

    #[tokio::test]
    async fn a_mailbox_is_full_by_messages_or_by_bytes_and_says_so() {
        let (by_messages, outbox) = mailbox(2, 100);
        assert_eq!((0..3).filter(|_| by_messages.push("x".into()).is_ok()).count(), 2);
        outbox.overflown().await;

        let (by_bytes, outbox) = mailbox(100, 10);
        assert!(by_bytes.push("twelve bytes".into()).is_ok(), "one message always fits");
        outbox.next().await.unwrap();
        assert!(by_bytes.push("six by".into()).is_ok() && by_bytes.push("four".into()).is_ok());
        assert!(outbox.overflown().now_or_never().is_none());
        assert_eq!(by_bytes.push("x".into()), Err(Full));
        outbox.overflown().await;
    }

    #[tokio::test]
    async fn a_queue_that_was_long_gives_its_memory_back() {
        let (mailbox, outbox) = mailbox(512, 100_000);
        for _ in 0..512 {
            mailbox.push("x".into()).unwrap();
        }
        for _ in 0..512 {
            outbox.next().await.unwrap();
        }
        assert!(mailbox.shared.queue.lock().waiting.capacity() <= KEPT_PLACES);
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_a_message_and_by_either_end() {
        let (mailbox, outbox) = mailbox(1, 100);
        let pushing = async {
            tokio::task::yield_now().await;
            mailbox.push("one".into()).unwrap();
        };
        assert_eq!(tokio::join!(outbox.next(), pushing).0.as_deref(), Some("one"));

        let overflowing = async {
            tokio::task::yield_now().await;
            mailbox.push("two".into()).unwrap();
            mailbox.push("three".into()).unwrap_err();
        };
        tokio::join!(outbox.overflown(), overflowing);

        let closing = async {
            tokio::task::yield_now().await;
            drop(mailbox);
        };
        tokio::join!(outbox.closed(), closing);
        assert_eq!(outbox.next().await.as_deref(), Some("two"));
        assert_eq!(outbox.next().await, None);
    }
}
