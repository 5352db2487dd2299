//! The data channel for files, as seen from outside: messages in both directions, and a queue that pushes back.
//! What they mean is not its business.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};

/// How long what waits in the connection may take to be sent: chat waits behind it.
const WAIT: Duration = Duration::from_millis(500);
/// Bytes that may wait in any case: what a path is slow with is not known at first.
const LEAST_BYTES: usize = 64 * 1024;
/// The path's speed is looked at this often.
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks whether there is room on a slow path.
const PAUSE: Duration = Duration::from_millis(10);

/// How many bytes may wait in the connection, from how fast they get through. Told the time.
struct Depth {
    limit: usize,
    sent: u64,
    looked: Option<(Instant, u64)>,
}

impl Default for Depth {
    fn default() -> Self {
        Self { limit: LEAST_BYTES, sent: 0, looked: None }
    }
}

impl Depth {
    /// Whether there is room while so many bytes wait.
    fn has_room(&mut self, now: Instant, waiting: usize) -> bool {
        let through = self.sent.saturating_sub(waiting as u64);
        let (since, before) = *self.looked.get_or_insert((now, through));
        let took = now.saturating_duration_since(since);
        if took >= LOOK {
            let speed = through.saturating_sub(before) as f64 / took.as_secs_f64();
            self.limit = LEAST_BYTES.max((speed * WAIT.as_secs_f64()) as usize);
            self.looked = Some((now, through));
        }
        waiting < self.limit
    }
}

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
    depth: Mutex<Depth>,
    stop: CancellationToken,
}

enum Wire {
    Webrtc(Arc<dyn DataChannel>),
    #[cfg(test)]
    Pipe(pipe::Pipe),
}

impl FileChannel {
    pub fn new(channel: Arc<dyn DataChannel>, stop: CancellationToken) -> Self {
        Self { wire: Wire::Webrtc(channel), depth: Mutex::default(), stop }
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
                self.depth.lock().sent += text.len() as u64;
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
                let send = async {
                    loop {
                        let waiting = channel.outstanding_bytes().await?;
                        if self.depth.lock().has_room(Instant::now(), waiting) {
                            break;
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                    self.depth.lock().sent += bytes.len() as u64;
                    channel.send(bytes).await
                };
                matches!(self.stop.run_until_cancelled(send).await, Some(Ok(())))
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
                Self { wire: Wire::Pipe(pipe), depth: Default::default(), stop: stop.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits after this long on a path that takes so many bytes per millisecond, and how long for.
    fn waits(bytes_per_ms: usize, ms: u64) -> (usize, f64) {
        let (mut depth, start, mut waiting, most) = (Depth::default(), Instant::now(), 0_usize, 1 << 20);
        for ms in 0..ms {
            waiting = waiting.saturating_sub(bytes_per_ms);
            while waiting < most && depth.has_room(start + Duration::from_millis(ms), waiting) {
                waiting += 32 * 1024;
                depth.sent += 32 * 1024;
            }
        }
        (waiting, waiting as f64 / bytes_per_ms as f64)
    }

    #[test]
    fn on_a_slow_path_little_waits_and_on_a_fast_one_enough() {
        assert!(waits(1000, 5000).1 <= 550.0, "chat waits behind it");
        assert!(waits(50, 5000).0 <= LEAST_BYTES + 32 * 1024);
        assert!(waits(50_000, 1000).0 >= 1 << 20, "there is something to send at any time");
    }
}
