//! The data channel for files, as seen from outside: messages in both directions, and a queue that pushes back.
//! What they mean is not its business.

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};

/// Something that came over a file channel.
pub(crate) enum FileMessage {
    /// It can be used from now on.
    Open,
    Text(BytesMut),
    Binary(BytesMut),
}

/// The channel of one connection, until that ends.
pub(crate) struct FileChannel {
    wire: Wire,
    stop: CancellationToken,
}

enum Wire {
    Webrtc(Arc<dyn DataChannel>),
    #[cfg(test)]
    Pipe(pipe::Pipe),
}

impl FileChannel {
    pub fn new(channel: Arc<dyn DataChannel>, stop: CancellationToken) -> Self {
        Self { wire: Wire::Webrtc(channel), stop }
    }

    /// What comes next; `None` once the channel is closed. Who does not ask makes the sender wait.
    pub async fn recv(&self) -> Option<FileMessage> {
        match &self.wire {
            Wire::Webrtc(channel) => self.stop.run_until_cancelled(next(channel.as_ref())).await?,
            #[cfg(test)]
            Wire::Pipe(pipe) => self.stop.run_until_cancelled(pipe.recv()).await?,
        }
    }

    /// Sends a text as soon as there is room for it; false when the channel is closed.
    pub async fn send_text(&self, text: &str) -> bool {
        match &self.wire {
            Wire::Webrtc(channel) => {
                let sent = self.stop.run_until_cancelled(channel.send_text(text)).await;
                matches!(sent, Some(Ok(())))
            }
            #[cfg(test)]
            Wire::Pipe(pipe) => self.pipe(pipe, FileMessage::Text(text.as_bytes().into())).await,
        }
    }

    /// Sends bytes as soon as there is room for them; false when the channel is closed.
    pub async fn send(&self, bytes: BytesMut) -> bool {
        match &self.wire {
            Wire::Webrtc(channel) => {
                let sent = self.stop.run_until_cancelled(channel.send(bytes)).await;
                matches!(sent, Some(Ok(())))
            }
            #[cfg(test)]
            Wire::Pipe(pipe) => self.pipe(pipe, FileMessage::Binary(bytes)).await,
        }
    }

    pub async fn close(&self) {
        match &self.wire {
            Wire::Webrtc(channel) => {
                let _ = channel.close().await; // closed already
            }
            #[cfg(test)]
            Wire::Pipe(_) => self.stop.cancel(),
        }
    }
}

async fn next(channel: &dyn DataChannel) -> Option<FileMessage> {
    loop {
        match channel.poll().await? {
            DataChannelEvent::OnOpen => return Some(FileMessage::Open),
            DataChannelEvent::OnMessage(message) if message.is_string => {
                return Some(FileMessage::Text(message.data));
            }
            DataChannelEvent::OnMessage(message) => return Some(FileMessage::Binary(message.data)),
            DataChannelEvent::OnClose | DataChannelEvent::OnError => return None,
            _ => {}
        }
    }
}

/// A channel without a network.
#[cfg(test)]
mod pipe {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Mutex, mpsc};
    use tokio_util::sync::CancellationToken;

    use super::{FileChannel, FileMessage, Wire};

    pub(super) struct Pipe {
        out: mpsc::Sender<FileMessage>,
        queue: Mutex<mpsc::Receiver<FileMessage>>,
        /// What is sent after so many messages goes nowhere.
        left: AtomicUsize,
    }

    impl Pipe {
        pub async fn recv(&self) -> Option<FileMessage> {
            self.queue.lock().await.recv().await
        }
    }

    impl FileChannel {
        /// Both ends of a channel that is open, and what cuts it; the first end's path dies after so many messages.
        pub fn pair(dies_after: usize) -> (Self, Self, CancellationToken) {
            let (there, here_queue) = mpsc::channel(16);
            let (here, there_queue) = mpsc::channel(16);
            for end in [&there, &here] {
                end.try_send(FileMessage::Open).unwrap_or_default();
            }
            let stop = CancellationToken::new();
            let end = |out, queue, left| {
                let pipe = Pipe { out, queue: Mutex::new(queue), left: AtomicUsize::new(left) };
                Self { wire: Wire::Pipe(pipe), stop: stop.clone() }
            };
            (end(here, here_queue, dies_after), end(there, there_queue, usize::MAX), stop.clone())
        }

        pub(super) async fn pipe(&self, pipe: &Pipe, message: FileMessage) -> bool {
            let left = pipe.left.fetch_sub(1, Ordering::Relaxed);
            if left == 0 {
                pipe.left.store(0, Ordering::Relaxed);
                self.stop.cancelled().await;
            }
            matches!(self.stop.run_until_cancelled(pipe.out.send(message)).await, Some(Ok(())))
        }
    }
}
