//! Descriptions out and in, and what they decide: who offers when is the call's business.

use maru_protocol::SdpType;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodecParameters;
use webrtc::error::Result as RtcResult;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::peer_connection::{RTCIceCandidateInit, RTCSessionDescription};

use super::sending::Sending;
use super::{Actor, EARLY_CANDIDATES};
use crate::api::AddressPolicy;
use crate::call::{ConnectionEvent, ConnectionOrder};
use crate::files::LABEL as FILES_LABEL;
use crate::peer::told::without_candidates;
use crate::peer::{chat, codec, setup};

impl Actor<'_> {
    pub(super) async fn negotiate(&mut self, order: ConnectionOrder) -> RtcResult<()> {
        match order {
            ConnectionOrder::Offer { restart, number } => {
                if self.chat.is_none() {
                    let channel = self.pc.create_data_channel(chat::LABEL, None).await?;
                    self.use_channel(channel);
                }
                if self.config.files && !self.has_files {
                    let channel = self.pc.create_data_channel(FILES_LABEL, None).await?;
                    self.use_file_channel(channel);
                }
                if restart {
                    self.pc.restart_ice().await?;
                }
                let offer = self.pc.create_offer(None).await?;
                self.local(SdpType::Offer, offer, Some(number)).await
            }
            ConnectionOrder::Remote { sdp_type, sdp, offer } => {
                self.understands_redundancy = setup::understands_redundancy(&sdp);
                self.voice_types = setup::voice_types(&sdp);
                let description = match sdp_type {
                    SdpType::Offer => {
                        self.accept(&sdp).await?;
                        RTCSessionDescription::offer(sdp)?
                    }
                    SdpType::Answer => {
                        self.settle(&sdp).await?;
                        RTCSessionDescription::answer(sdp)?
                    }
                };
                self.pc.set_remote_description(description).await?;
                self.has_remote = true;
                if sdp_type == SdpType::Offer {
                    self.put_ours_first().await?;
                    let answer = self.pc.create_answer(None).await?;
                    self.settle(&answer.sdp).await?;
                    self.local(SdpType::Answer, answer, offer).await?;
                }
                while let Some(candidate) = self.early_candidates.pop_front() {
                    self.add_candidate(candidate).await;
                }
                Ok(())
            }
            ConnectionOrder::Candidate { candidate, sdp_mid, sdp_m_line_index } => {
                let candidate = RTCIceCandidateInit {
                    candidate,
                    sdp_mid,
                    sdp_mline_index: sdp_m_line_index,
                    username_fragment: None,
                    url: None,
                };
                if self.has_remote {
                    self.add_candidate(candidate).await;
                } else if self.early_candidates.len() < EARLY_CANDIDATES {
                    self.early_candidates.push_back(candidate);
                }
                Ok(())
            }
        }
    }

    /// Negotiates these video codecs, in this order; none means all that were registered.
    pub(super) async fn prefer(
        &self,
        pictures: &Sending,
        codecs: Vec<RTCRtpCodecParameters>,
    ) -> RtcResult<()> {
        for transceiver in self.pc.get_transceivers().await {
            if transceiver.sender().await?.is_some_and(|sender| sender.id() == pictures.sender) {
                return transceiver.set_codec_preferences(codecs).await;
            }
        }
        Ok(())
    }

    /// An offer's order would be the answer's: ours counts, so that one encoder serves as many as can be.
    async fn put_ours_first(&self) -> RtcResult<()> {
        for pictures in self.pictures() {
            let Some(sender) = self.sender(pictures).await else { continue };
            let mut codecs = sender.get_parameters().await?.rtp_parameters.codecs;
            let ours = &self.config.video_codecs;
            codecs.sort_by_key(|parameters| {
                let name = parameters.rtp_codec.mime_type.trim_start_matches("video/");
                let place = ours.iter().position(|codec| codec.name().eq_ignore_ascii_case(name));
                place.unwrap_or(ours.len()) // what repairs them comes behind them
            });
            self.prefer(pictures, codecs).await?;
        }
        Ok(())
    }

    /// An offer came: without a common codec our video would keep it from being answered.
    async fn accept(&mut self, offer: &str) -> RtcResult<()> {
        match codec::video_sections(offer, &self.config.video_codecs).first() {
            Some(formats) if formats.is_empty() => self.give_video_up().await,
            _ => Ok(()),
        }
    }

    /// An answer, ours or the peer's, is about to be applied: it decides on the codec.
    async fn settle(&mut self, answer: &str) -> RtcResult<()> {
        let mut sections = codec::video_sections(answer, &self.config.video_codecs).into_iter();
        let Some(formats) = sections.next() else { return Ok(()) };
        let Some(first) = formats.first().copied() else { return self.give_video_up().await };
        let screen = sections.next().and_then(|formats| formats.first().copied());
        self.screen_format = screen.filter(|_| self.screen.is_some());
        let before = std::mem::replace(&mut *self.formats.lock(), formats).first().copied();
        if before.is_some() {
            return Ok(());
        }
        for (pictures, format) in self.pictures().zip([Some(first), self.screen_format]) {
            if let (Some(sender), Some(format)) = (self.sender(pictures).await, format) {
                let track = pictures.track.track().await;
                sender.replace_track(setup::with_codec(&track, format.codec)).await?;
            }
        }
        Ok(())
    }

    /// No common codec: sound and chat go on.
    async fn give_video_up(&mut self) -> RtcResult<()> {
        self.formats.lock().clear();
        self.screen_format = None;
        let mut had_video = false;
        for pictures in self.pictures() {
            if let Some(sender) = self.sender(pictures).await {
                self.pc.remove_track(&sender).await?;
                had_video = true;
            }
        }
        if had_video {
            self.event(ConnectionEvent::NoCommonCodec);
        }
        Ok(())
    }

    /// Sets a description of our own, which starts the gathering, and sends it at once: candidates trickle.
    async fn local(
        &self,
        sdp_type: SdpType,
        description: RTCSessionDescription,
        offer: Option<u32>,
    ) -> RtcResult<()> {
        let sdp = match self.config.network.addresses {
            AddressPolicy::All => description.sdp.clone(),
            AddressPolicy::HidePrivate | AddressPolicy::RelayOnly => without_candidates(&description.sdp),
        };
        self.pc.set_local_description(description).await?;
        self.event(ConnectionEvent::Description { sdp_type, sdp, offer });
        Ok(())
    }
}
