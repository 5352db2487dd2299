//! RTP in and out of one connection: headers and packets, nothing of codecs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use maru_media::VideoCodec;
use maru_media::audio::protection::Protection;
use maru_media::audio::red::{self, Repeater};
use maru_media::video::receive::VideoPacket;
use parking_lot::Mutex;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_local::{TrackLocal, TrackLocalEvent};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::captured::Ages;
use super::codec::{Format, offered_payload_type};
use super::connection::VideoSection;
use super::feedback::{Feedback, SenderReports, VoiceFeedback};
use super::random_u32;
use super::setup::VoiceTypes;
use crate::receive::audio::PeerAudio;
use crate::receive::video::PeerVideo;
use crate::send::fanout::{AudioUnit, Subscription};

/// Requests for key frames closer together than this are one request: an answer takes a round trip.
const KEY_FRAME_SPACING: Duration = Duration::from_millis(200);
/// Packets of a screen's picture that go out at once, and how long the next ones wait: some 40 Mbit/s.
const BURST_PACKETS: usize = 16;
const BURST_SPACING: Duration = Duration::from_millis(4);

/// One stream to a peer: the encoded media is shared, the header fields are its own.
pub(super) struct Outgoing {
    track: Arc<TrackLocalStaticRTP>,
    header: rtp::header::Header,
    timestamp_offset: u32,
    rate_hz: u32,
    ages: Arc<Ages>,
    /// Pictures were sent.
    begun: bool,
}

impl Outgoing {
    /// `pads`: pictures begin as [`Outgoing::begin`] says.
    pub fn new(
        track: Arc<TrackLocalStaticRTP>,
        ssrc: u32,
        payload_type: u8,
        rate_hz: u32,
        ages: Arc<Ages>,
        pads: bool,
    ) -> Self {
        // Random starts, so that ciphertext tells less (RFC 3550, section 5.1).
        let header = rtp::header::Header {
            version: 2,
            payload_type,
            ssrc,
            sequence_number: random_u32() as u16,
            ..Default::default()
        };
        Self { track, header, timestamp_offset: random_u32(), rate_hz, ages, begun: !pads }
    }

    /// What is written next was captured then.
    fn captured(&self, at: Instant) {
        self.ages.set(self.header.ssrc, at.elapsed(), self.rate_hz);
    }

    /// Before the first picture, which has this timestamp: a packet with nothing but padding. The webrtc crate (0.21)
    /// loses the first packet of a track that comes by a relay, and without its first packet a picture is none. Others
    /// lose none, and some cannot read it.
    async fn begin(&mut self, timestamp: u32) {
        if !std::mem::replace(&mut self.begun, true) {
            self.header.padding = true;
            self.write(timestamp.wrapping_sub(1), false, Bytes::new()).await;
            self.header.padding = false;
        }
    }

    async fn write(&mut self, timestamp: u32, marker: bool, payload: Bytes) {
        self.header.sequence_number = self.header.sequence_number.wrapping_add(1);
        self.header.timestamp = timestamp.wrapping_add(self.timestamp_offset);
        self.header.marker = marker;
        let packet = rtp::packet::Packet { header: self.header.clone(), payload };
        if let Err(error) = self.track.write_rtp(packet).await {
            tracing::trace!(%error, "a packet was not sent");
        }
    }
}

/// One peer's stream of our voice, with as much of it again as the peer's losses ask for.
pub(super) struct OutgoingVoice {
    stream: Outgoing,
    /// Payload types of Opus and, where the peer knows it, of Opus that carries what was before it.
    types: (u8, Option<u8>),
    repeater: Repeater,
    protection: Arc<Mutex<Protection>>,
}

impl OutgoingVoice {
    pub fn new(stream: Outgoing, types: (u8, Option<u8>), protection: Arc<Mutex<Protection>>) -> Self {
        Self { stream, types, repeater: Repeater::default(), protection }
    }

    async fn write(&mut self, unit: AudioUnit) {
        let (opus, red) = self.types;
        let repeats = match red {
            Some(_) => self.protection.lock().repeats(Instant::now(), self.stream.header.ssrc),
            None => 0,
        };
        let joined = self.repeater.join(unit.timestamp, &unit.payload, repeats, opus);
        self.stream.header.payload_type = red.filter(|_| joined.is_some()).unwrap_or(opus);
        self.stream.captured(unit.captured);
        self.stream.write(unit.timestamp, unit.first, joined.unwrap_or(unit.payload)).await;
    }
}

/// Sends whatever is encoded, until the subscription ends. Sound goes first: it is small and hurts most when late.
pub(super) async fn send(
    mut from: Subscription,
    mut video: Option<Outgoing>,
    mut audio: Option<OutgoingVoice>,
) {
    loop {
        tokio::select! {
            biased;
            Some(unit) = from.audio.recv() => {
                if let Some(audio) = &mut audio {
                    audio.write(unit).await;
                }
            }
            Some(unit) = from.video.recv() => {
                let Some(video) = &mut video else { continue };
                video.captured(unit.captured);
                video.begin(unit.timestamp).await;
                for payload in &unit.payloads {
                    video.write(unit.timestamp, payload.marker, payload.data.clone()).await;
                }
            }
            else => return,
        }
    }
}

/// Sends a screen's pictures until the subscription ends. What is still changes in large leaps, of hundreds of
/// packets at once: they go out in bursts that a path's queues can take.
pub(super) async fn send_screen(mut from: Subscription, mut screen: Outgoing) {
    while let Some(unit) = from.video.recv().await {
        screen.captured(unit.captured);
        screen.begin(unit.timestamp).await;
        for (index, payload) in unit.payloads.iter().enumerate() {
            if index > 0 && index % BURST_PACKETS == 0 {
                tokio::time::sleep(BURST_SPACING).await;
            }
            screen.write(unit.timestamp, payload.marker, payload.data.clone()).await;
        }
    }
}

/// Our pictures of one kind to one peer: who makes them, and acts on what the peer says about them.
#[derive(Clone)]
pub(super) struct Pictures {
    pub section: VideoSection,
    /// What they are sent in.
    pub codec: Option<VideoCodec>,
}

impl Pictures {
    /// From now on what is encoded for this codec.
    pub fn subscribe(&self) -> Subscription {
        self.section.fanout.subscribe(self.codec)
    }

    pub fn request_key_frame(&self) {
        self.section.fanout.request_key_frame(self.codec);
    }

    fn heed(&self, key_frame_wanted: bool, loss: Option<f64>) {
        if key_frame_wanted {
            self.request_key_frame();
        }
        if let Some(loss) = loss {
            self.section.adaptation.lock().loss(Instant::now(), loss);
        }
    }
}

/// Acts on what the peer says about one of our tracks. Every track's feedback has to be read, or its
/// queue overflows.
pub(super) async fn read_feedback(
    track: Arc<TrackLocalStaticRTP>,
    camera: Pictures,
    screen: Option<(u32, Pictures)>,
    voice: VoiceFeedback,
) {
    let screen_ssrc = screen.as_ref().map(|(ssrc, _)| *ssrc);
    while let Some(event) = track.poll().await {
        let TrackLocalEvent::OnRtcpPacket(packets) = event else { continue };
        let feedback = Feedback::read(&packets, voice.ssrc, screen_ssrc);
        camera.heed(feedback.key_frame_wanted, feedback.loss);
        if let Some((_, screen)) = &screen {
            screen.heed(feedback.screen_key_frame_wanted, feedback.screen_loss);
        }
        if let Some(loss) = feedback.voice_loss {
            voice.loss(Instant::now(), loss);
        }
    }
}

/// A peer's video track, until it ends.
pub(super) async fn receive_video(
    track: Arc<dyn TrackRemote>,
    video: Arc<PeerVideo>,
    formats: Arc<Mutex<Vec<Format>>>,
    reports: Arc<SenderReports>,
) {
    tokio::select! {
        () = receive_video_packets(&*track, &video, &formats, &reports) => {}
        () = request_key_frames(&*track, &video) => {}
    }
}

async fn receive_video_packets(
    track: &dyn TrackRemote,
    video: &PeerVideo,
    formats: &Mutex<Vec<Format>>,
    reports: &SenderReports,
) {
    let mut deadline: Option<Instant> = None;
    loop {
        let event = match deadline {
            None => track.poll().await,
            Some(at) => match tokio::time::timeout_at(at.into(), track.poll()).await {
                Ok(event) => event,
                Err(_) => {
                    deadline = video.handle(Instant::now(), None);
                    continue;
                }
            },
        };
        match event {
            Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                let now = Instant::now();
                let payload_type = packet.header.payload_type;
                let codec = codec_of(&formats.lock(), payload_type);
                let Some(codec) = codec else {
                    tracing::trace!(payload_type, "a packet is of no codec that was agreed on");
                    continue;
                };
                if let Some((ntp, timestamp)) = reports.take(packet.header.ssrc) {
                    video.sender_report(ntp, timestamp);
                }
                deadline = video.handle(
                    now,
                    Some(VideoPacket {
                        codec,
                        sequence: packet.header.sequence_number,
                        timestamp: packet.header.timestamp,
                        marker: packet.header.marker,
                        payload: packet.payload,
                        arrived: now,
                    }),
                );
            }
            Some(TrackRemoteEvent::OnEnded) | None => return,
            Some(_) => {}
        }
    }
}

/// A payload type as the answer has it, or else as our offer did.
fn codec_of(formats: &[Format], payload_type: u8) -> Option<VideoCodec> {
    let answered = formats.iter().find(|format| format.payload_type == payload_type);
    let offered = || formats.iter().find(|format| offered_payload_type(format.codec) == payload_type);
    answered.or_else(offered).map(|format| format.codec)
}

async fn request_key_frames(track: &dyn TrackRemote, video: &PeerVideo) {
    loop {
        video.key_frame_wanted().await;
        let Some(media_ssrc) = track.ssrcs().await.first().copied() else {
            tokio::time::sleep(KEY_FRAME_SPACING).await;
            continue;
        };
        let request = PictureLossIndication { sender_ssrc: 0, media_ssrc };
        video.key_frame_requested();
        if let Err(error) = track.write_rtcp(vec![Box::new(request)]).await {
            tracing::debug!(%error, "a key frame could not be asked for");
        }
        tokio::time::sleep(KEY_FRAME_SPACING).await;
    }
}

/// A peer's audio track, until it ends: its packets with payload types of `voice`. Its sender reports go to who keeps pictures and sound together.
pub(super) async fn receive_audio(
    track: Arc<dyn TrackRemote>,
    audio: Arc<PeerAudio>,
    video: Arc<PeerVideo>,
    reports: Arc<SenderReports>,
    voice: VoiceTypes,
) {
    loop {
        match track.poll().await {
            Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                let rtp::header::Header { ssrc, payload_type, sequence_number, timestamp, .. } =
                    packet.header;
                if let Some((ntp, timestamp)) = reports.take(ssrc) {
                    video.voice_report(ntp, timestamp);
                }
                let now = Instant::now();
                if voice.red.contains(&payload_type) {
                    match red::split(&packet.payload, &voice.opus) {
                        Some(split) => audio.push_red(now, sequence_number, timestamp, split),
                        None => tracing::trace!("a packet that carries others again makes no sense"),
                    }
                } else if voice.opus.is_empty() || voice.opus.contains(&payload_type) {
                    audio.push(now, sequence_number, timestamp, packet.payload);
                } // Anything else that came this way, tones or noise, is not for a decoder of Opus.
            }
            Some(TrackRemoteEvent::OnEnded) | None => return,
            Some(_) => {}
        }
    }
}
