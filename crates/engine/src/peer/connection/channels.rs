//! The data channels: the chat's, and the one that files get.

use std::sync::Arc;

use webrtc::data_channel::{DataChannel, DataChannelEvent};

use super::callbacks::Callback;
use super::{Actor, ConnectionNews};
use crate::call::ConnectionEvent;
use crate::peer::chat::ChatWire;
use crate::peer::files::FileChannel;

impl Actor<'_> {
    /// From now on the chat goes over this channel.
    pub(super) fn use_channel(&mut self, channel: Arc<dyn DataChannel>) {
        self.chat = Some(Arc::clone(&channel));
        let callbacks = self.callbacks.clone();
        self.spawn(async move {
            while let Some(event) = channel.poll().await {
                // Waits when we are behind: the channel is reliable, so the sender has to wait too.
                if callbacks.send(Callback::Chat(event)).await.is_err() {
                    return;
                }
            }
        });
    }

    /// What files are about is not this actor's business.
    pub(super) fn use_file_channel(&mut self, channel: Arc<dyn DataChannel>) {
        self.has_files = true;
        (self.news)(ConnectionNews::Files(FileChannel::new(channel, self.stop.clone())));
    }

    pub(super) async fn chat_event(&mut self, event: DataChannelEvent) {
        match event {
            DataChannelEvent::OnOpen => {
                self.chat_open = true;
                while let Some(text) = self.early_chat.pop_front() {
                    self.say(&text).await;
                }
            }
            DataChannelEvent::OnMessage(message) => match ChatWire::parse(&message.data) {
                Some(text) => (self.news)(ConnectionNews::Chat(text)),
                None => tracing::debug!("a peer's message is no chat"),
            },
            DataChannelEvent::OnClose | DataChannelEvent::OnError => {
                self.chat_open = false;
                self.event(ConnectionEvent::ChannelClosed);
            }
            _ => {}
        }
    }

    pub(super) async fn say(&self, text: &str) {
        let Ok(wire) = serde_json::to_string(&ChatWire::Text { text: text.to_owned() }) else { return };
        let Some(chat) = &self.chat else { return };
        if let Err(error) = chat.try_send_text(&wire).await {
            tracing::warn!(%error, "a chat message was not sent to one peer");
        }
    }
}
