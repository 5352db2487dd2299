//! Our tracks, and what sends on them.

use std::sync::Arc;

use maru_media::audio::SAMPLE_RATE_HZ;
use maru_media::audio::protection::Understands;
use maru_media::video::CLOCK_RATE_HZ;
use rtc::rtp_transceiver::RTCRtpSenderId;
use webrtc::error::Result as RtcResult;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::PeerConnection;
use webrtc::rtp_transceiver::RtpSender;

use super::Actor;
use crate::peer::feedback::VoiceFeedback;
use crate::peer::{media, setup};

/// A track of ours.
pub(super) struct Sending {
    pub track: Arc<TrackLocalStaticRTP>,
    /// The synchronisation source of its packets.
    pub ssrc: u32,
    pub sender: RTCRtpSenderId,
}

pub(super) async fn add_track(
    pc: &dyn PeerConnection,
    (track, ssrc): (Arc<TrackLocalStaticRTP>, u32),
) -> RtcResult<Sending> {
    let sender = pc.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await?.id();
    Ok(Sending { track, ssrc, sender })
}

impl Actor<'_> {
    /// Our video tracks, in the order of their sections.
    pub(super) fn pictures(&self) -> impl Iterator<Item = &Sending> {
        std::iter::once(&self.video).chain(&self.screen)
    }

    /// What sends one of our tracks; `None` once it was given up.
    pub(super) async fn sender(&self, of: &Sending) -> Option<Arc<dyn RtpSender>> {
        self.pc.get_senders().await.into_iter().find(|sender| sender.id() == of.sender)
    }

    /// Once there is a path: from the first connection on, through restarts, until it is closed.
    pub(super) async fn start_sending(&mut self) {
        let video = self.formats.lock().first().copied();
        let camera =
            media::Pictures { section: self.config.camera.clone(), codec: video.map(|format| format.codec) };
        let screen = self.config.screen.clone().zip(self.screen_format);
        let screen = screen.map(|(section, format)| media::Pictures { section, codec: Some(format.codec) });
        if std::mem::replace(&mut self.sending, true) {
            // A restarted path: what was sent while there was none is lost.
            return [Some(camera), screen].iter().flatten().for_each(media::Pictures::request_key_frame);
        }
        let audio = match self.sender(&self.audio).await {
            Some(sender) => sender.get_parameters().await.ok(),
            None => None,
        };
        let voice = audio.and_then(|audio| setup::outgoing_voice(&audio.rtp_parameters.codecs));
        let is_engine = self.understands_redundancy; // nobody else has this version of it
        let out = |of: &Sending, payload_type: u8, rate_hz| {
            let (ages, track) = (Arc::clone(&self.taps.ages), Arc::clone(&of.track));
            media::Outgoing::new(track, of.ssrc, payload_type, rate_hz, ages, is_engine)
        };
        self.spawn(media::send(
            camera.subscribe(),
            video.map(|format| out(&self.video, format.payload_type, CLOCK_RATE_HZ)),
            voice.map(|types| {
                let stream = out(&self.audio, types.0, SAMPLE_RATE_HZ);
                media::OutgoingVoice::new(stream, types, Arc::clone(&self.config.protection))
            }),
        ));
        let mut heeded_screen = None;
        if let (Some(screen), Some(sending), Some(format)) = (screen, &self.screen, self.screen_format) {
            let stream = out(sending, format.payload_type, CLOCK_RATE_HZ);
            self.spawn(media::send_screen(screen.subscribe(), stream));
            heeded_screen = Some((sending.ssrc, screen));
        }
        let understands = Understands {
            deep_redundancy: self.understands_redundancy,
            repeats: voice.is_some_and(|(_, red)| red.is_some()),
        };
        for Sending { track, .. } in self.pictures().chain([&self.audio]) {
            self.spawn(media::read_feedback(
                Arc::clone(track),
                camera.clone(),
                heeded_screen.clone(),
                VoiceFeedback::new(&self.config.protection, self.audio.ssrc, understands),
            ));
        }
    }
}
