//! The bounded queue of what waits for one client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A mailbox that holds at most `messages` and `bytes`.
pub(crate) fn mailbox(messages: usize, bytes: usize) -> (Mailbox, Outbox) {
    let (sender, receiver) = mpsc::channel(messages.max(1));
    let waiting = Arc::new(AtomicUsize::new(0));
    let (overflown, closed) = (CancellationToken::new(), CancellationToken::new());
    (
        Mailbox {
            sender,
            waiting: Arc::clone(&waiting),
            bytes,
            overflown: overflown.clone(),
            _closed: closed.clone().drop_guard(),
        },
        Outbox { receiver, waiting, overflown, closed },
    )
}

/// No room for one more: the client reads too slowly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The end that the server writes to. Dropping it ends the connection after what waits is sent.
#[derive(Debug)]
pub(crate) struct Mailbox {
    sender: mpsc::Sender<Utf8Bytes>,
    waiting: Arc<AtomicUsize>,
    bytes: usize,
    overflown: CancellationToken,
    _closed: DropGuard,
}

impl Mailbox {
    /// Adds a message.
    ///
    /// # Errors
    /// [`Full`] when the queue's bound is reached. The connection then ends without what waits.
    pub(crate) fn push(&self, message: Utf8Bytes) -> Result<(), Full> {
        let length = message.len();
        let before = self.waiting.fetch_add(length, Ordering::Relaxed);
        // One message always fits, whatever its size.
        if (before > 0 && before + length > self.bytes) || self.sender.try_send(message).is_err() {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            self.overflown.cancel();
            return Err(Full);
        }
        Ok(())
    }
}

/// The end that the connection's writer reads from.
#[derive(Debug)]
pub(crate) struct Outbox {
    receiver: mpsc::Receiver<Utf8Bytes>,
    waiting: Arc<AtomicUsize>,
    overflown: CancellationToken,
    closed: CancellationToken,
}

impl Outbox {
    /// The next message; `None` when there will be no more. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Utf8Bytes> {
        let message = self.receiver.recv().await?;
        self.waiting.fetch_sub(message.len(), Ordering::Relaxed);
        Some(message)
    }

    /// Is cancelled when the queue was full.
    pub(crate) fn overflown(&self) -> CancellationToken {
        self.overflown.clone()
    }

    /// Is cancelled when nothing more will come than what waits.
    pub(crate) fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_pushed_comes_out_in_order_and_then_the_end() {
        let (mailbox, mut outbox) = mailbox(4, 100);
        for text in ["one", "two"] {
            mailbox.push(text.into()).unwrap();
        }
        assert!(!outbox.closed().is_cancelled());
        drop(mailbox);
        assert!(outbox.closed().is_cancelled());
        assert_eq!(outbox.next().await.as_deref(), Some("one"));
        assert_eq!(outbox.next().await.as_deref(), Some("two"));
        assert_eq!(outbox.next().await, None);
    }

    #[tokio::test]
    async fn a_mailbox_is_full_by_messages_or_by_bytes_and_says_so() {
        let (by_messages, outbox) = mailbox(2, 100);
        assert_eq!((0..3).filter(|_| by_messages.push("x".into()).is_ok()).count(), 2);
        assert!(outbox.overflown().is_cancelled());

        let (by_bytes, mut outbox) = mailbox(100, 10);
        assert!(by_bytes.push("twelve bytes".into()).is_ok(), "one message always fits");
        outbox.next().await.unwrap();
        assert!(by_bytes.push("six by".into()).is_ok() && by_bytes.push("four".into()).is_ok());
        assert!(!outbox.overflown().is_cancelled());
        assert_eq!(by_bytes.push("x".into()), Err(Full));
        assert!(outbox.overflown().is_cancelled());
    }
}
