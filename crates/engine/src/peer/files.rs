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
    channel: Arc<dyn DataChannel>,
    stop: CancellationToken,
}

impl FileChannel {
    pub fn new(channel: Arc<dyn DataChannel>, stop: CancellationToken) -> Self {
        Self { channel, stop }
    }

    /// What comes next; `None` once the channel is closed. Who does not ask makes the sender wait.
    pub async fn recv(&self) -> Option<FileMessage> {
        loop {
            let event = self.stop.run_until_cancelled(self.channel.poll()).await??;
            match event {
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

    /// Sends a text as soon as there is room for it; false when the channel is closed.
    pub async fn send_text(&self, text: &str) -> bool {
        let sent = self.stop.run_until_cancelled(self.channel.send_text(text)).await;
        matches!(sent, Some(Ok(())))
    }

    /// Sends bytes as soon as there is room for them; false when the channel is closed.
    pub async fn send(&self, bytes: BytesMut) -> bool {
        let sent = self.stop.run_until_cancelled(self.channel.send(bytes)).await;
        matches!(sent, Some(Ok(())))
    }

    pub async fn close(&self) {
        let _ = self.channel.close().await; // closed already
    }
}
