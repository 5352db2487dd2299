//! What the webrtc crate calls back, and what is done about it.

use std::sync::Arc;

use async_trait::async_trait;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceCandidateInit, RTCIceGatheringState, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};

use super::Actor;
use super::sending::Sending;
use crate::api::VideoKind;
use crate::call::{ConnectionEvent, Failure};
use crate::files::LABEL as FILES_LABEL;
use crate::peer::{chat, media};

/// What the webrtc crate calls back, as one queue.
pub(super) enum Callback {
    Candidate(RTCPeerConnectionIceEvent),
    GatheringComplete,
    State(RTCPeerConnectionState),
    Track(Arc<dyn TrackRemote>),
    Channel(Arc<dyn DataChannel>),
    Chat(DataChannelEvent),
    /// A candidate of the peer's whose name was looked up.
    Resolved(RTCIceCandidateInit),
}

pub(super) struct Handler(pub mpsc::Sender<Callback>);

impl Handler {
    fn forward(&self, callback: Callback) {
        // The webrtc driver calls this and must not wait; a full queue means that the actor is stuck.
        if self.0.try_send(callback).is_err() {
            tracing::warn!("a callback of a peer connection was dropped");
        }
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        self.forward(Callback::Candidate(event));
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.forward(Callback::GatheringComplete);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.forward(Callback::State(state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.forward(Callback::Track(track));
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.forward(Callback::Channel(channel));
    }
}

impl Actor<'_> {
    pub(super) async fn callback(&mut self, callback: Callback) {
        match callback {
            Callback::Candidate(event) => match event.candidate.to_json() {
                Ok(init) => self.tell(init),
                Err(error) => tracing::debug!(%error, "a candidate of ours cannot be written"),
            },
            Callback::GatheringComplete => self.event(ConnectionEvent::EndOfCandidates),
            Callback::State(state) => match state {
                RTCPeerConnectionState::Connected => {
                    self.start_sending().await;
                    self.event(ConnectionEvent::Connected);
                }
                RTCPeerConnectionState::Disconnected => self.event(ConnectionEvent::Disconnected),
                RTCPeerConnectionState::Failed => self.event(ConnectionEvent::Failed(Failure::PathLost)),
                RTCPeerConnectionState::Closed => self.event(ConnectionEvent::Failed(Failure::ClosedThere)),
                _ => {}
            },
            Callback::Track(track) => self.receive(track).await,
            Callback::Channel(channel) => match channel.label().await {
                Ok(label) if label == chat::LABEL && self.chat.is_none() => self.use_channel(channel),
                Ok(label) if label == FILES_LABEL && self.config.files && !self.has_files => {
                    self.use_file_channel(channel)
                }
                // Of a later version, or one too many.
                _ => {
                    let _ = channel.close().await;
                }
            },
            Callback::Chat(event) => self.chat_event(event).await,
            Callback::Resolved(candidate) => self.add_candidate(candidate).await,
        }
    }

    /// Takes what comes on one of the peer's tracks, until it ends.
    async fn receive(&self, track: Arc<dyn TrackRemote>) {
        let reports = Arc::clone(&self.taps.reports);
        let camera = &self.config.camera.video;
        match track.kind().await {
            RtpCodecKind::Video => {
                let video = match self.stream_of(&track).await {
                    Some(VideoKind::Camera) => camera,
                    Some(VideoKind::Screen) => match &self.config.screen {
                        Some(screen) => &screen.video,
                        None => return,
                    },
                    None => return, // of a section that we have none of
                };
                video.restart();
                let formats = Arc::clone(&self.formats);
                self.spawn(media::receive_video(track, Arc::clone(video), formats, reports));
            }
            RtpCodecKind::Audio => {
                let audio = &self.config.audio;
                audio.restart();
                let voice = self.voice_types.clone();
                let (audio, camera) = (Arc::clone(audio), Arc::clone(camera));
                self.spawn(media::receive_audio(track, audio, camera, reports, voice));
            }
            _ => {}
        }
    }

    /// Which of a peer's two streams of pictures a track is: the one in the section of ours.
    async fn stream_of(&self, track: &Arc<dyn TrackRemote>) -> Option<VideoKind> {
        for transceiver in self.pc.get_transceivers().await {
            let receiver = transceiver.receiver().await.ok().flatten();
            if !receiver.is_some_and(|receiver| Arc::ptr_eq(receiver.track(), track)) {
                continue;
            }
            let sender = transceiver.sender().await.ok().flatten()?.id();
            let is = |of: &Sending| of.sender == sender;
            return match (is(&self.video), self.screen.as_ref().is_some_and(is)) {
                (true, _) => Some(VideoKind::Camera),
                (false, true) => Some(VideoKind::Screen),
                (false, false) => None,
            };
        }
        None
    }
}
