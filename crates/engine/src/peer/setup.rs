//! How our peer connections are made: codecs, feedback, timers, sockets.

use std::sync::Arc;
use std::time::Duration;

use maru_media::VideoCodec;
use maru_media::video::CLOCK_RATE_HZ;
use maru_protocol::IceServer;
use rtc::interceptor::{
    NackGeneratorBuilder, NackResponderBuilder, ReceiverReportBuilder, Registry, SenderReportBuilder, Slot,
    TwccReceiverBuilder, TwccSenderBuilder,
};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::configure_simulcast_extension_headers;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8, MediaEngine,
};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::sdp::extmap::TRANSPORT_CC_URI;
use webrtc::error::Result;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfiguration,
    RTCConfigurationBuilder, RTCIceServer, RTCIceTransportPolicy, SettingEngineBuilder,
};

use super::captured::{self, Ages};
use super::codec::offered_payload_type;
use super::feedback::{self, SenderReports};
use super::losses::{self, Losses};
use super::random_u32;
use super::tap::Tapped;
use crate::api::AddressPolicy;
use crate::network::usable_addresses;
use crate::tunnel::{SocketRuntime, Tunnels};

/// Nothing received for this long: the path is lost, look for another.
const ICE_DISCONNECTED: Duration = Duration::from_millis(2500);
/// No path found for this long after that: the connection has failed. Until then the old path is tried on,
/// so that one which comes back is used at once, whatever the server does.
const ICE_FAILED: Duration = Duration::from_secs(60);
const ICE_KEEPALIVE: Duration = Duration::from_millis(500);
const ICE_CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Checks of one pair before it is given up: as many as there is time for.
const ICE_CHECKS: u16 = 1200;
/// A relay is used only when nothing better has answered for this long.
const RELAY_WAIT: Duration = Duration::from_millis(300);
/// A lost packet is asked for again this often: about one round trip, so that it comes in time.
const NACK_INTERVAL: Duration = Duration::from_millis(20);
/// Packets kept for being asked for again: about two seconds of video.
const NACK_HISTORY: u16 = 512;
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Says in a description that Opus's deep redundancy is understood, in the version that is in this
/// library. Whoever does not know the parameter ignores it (RFC 7587, section 7), and the redundancy too.
pub(super) const DEEP_REDUNDANCY: &str = "maru-dred=12";
/// The payload types that we offer for a voice, and for one that carries what was lost again.
const VOICE: u8 = 111;
const REPEATING_VOICE: u8 = 63;
const MIME_TYPE_RED: &str = "audio/red";
/// What may wait in one channel for one slow peer: as much as a fast path needs, for files.
const DATA_CHANNEL_BUFFER_BYTES: usize = 1024 * 1024;

fn feedback(typ: &str, parameter: &str) -> RTCPFeedback {
    RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() }
}

/// When each packet arrived, however it is lost or late: browsers raise their rate only for who says so
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
fn arrival_times() -> RTCPFeedback {
    feedback("transport-cc", "")
}

fn video_codec(codec: VideoCodec) -> RTCRtpCodec {
    let (mime_type, parameters) = match codec {
        // Constrained baseline, level 4.0 (1080p30, for a screen), fragmented units allowed (RFC 6184, section 8.1).
        VideoCodec::H264 => {
            (MIME_TYPE_H264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e028")
        }
        VideoCodec::Vp8 => (MIME_TYPE_VP8, ""),
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate: CLOCK_RATE_HZ,
        channels: 0,
        sdp_fmtp_line: parameters.to_owned(),
        rtcp_feedback: vec![
            feedback("nack", ""),
            feedback("nack", "pli"),
            feedback("ccm", "fir"),
            arrival_times(),
        ],
    }
}

/// What repeats lost packets of the codec with this payload type (RFC 4588): as packets of their own, so
/// that the peer can tell them from late ones.
fn repair_codec(of: u8) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_RTX.to_owned(),
        clock_rate: CLOCK_RATE_HZ,
        channels: 0,
        sdp_fmtp_line: format!("apt={of}"),
        rtcp_feedback: vec![],
    }
}

fn audio_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2, // by definition, whatever is sent (RFC 7587, section 7)
        sdp_fmtp_line: format!("minptime=10;useinbandfec=1;{DEEP_REDUNDANCY}"),
        rtcp_feedback: vec![arrival_times()],
    }
}

/// Packets of a voice that carry those before them (RFC 2198), as browsers describe it.
fn repeating_audio_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_RED.to_owned(),
        sdp_fmtp_line: format!("{VOICE}/{VOICE}"),
        ..audio_codec()
    }
}

/// Whether a peer's description says that it understands deep redundancy as we make it.
pub(super) fn understands_redundancy(sdp: &str) -> bool {
    let parameters = sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=fmtp:")?.split_once(' '));
    let mut parameters = parameters.flat_map(|(_, parameters)| parameters.split(';'));
    parameters.any(|parameter| parameter.trim() == DEEP_REDUNDANCY)
}

/// Payload types of one peer's voice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VoiceTypes {
    /// Opus.
    pub opus: Vec<u8>,
    /// Opus that carries what was before it again.
    pub red: Vec<u8>,
}

/// The payload types of the voice in a peer's description.
pub(super) fn voice_types(sdp: &str) -> VoiceTypes {
    let maps = sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=rtpmap:")?.split_once(' '));
    let mut types = VoiceTypes::default();
    for (payload_type, codec) in maps {
        let (codec, Ok(payload_type)) = (codec.to_ascii_lowercase(), payload_type.parse()) else { continue };
        if codec.starts_with("opus/") {
            types.opus.push(payload_type);
        } else if codec.starts_with("red/48000") {
            types.red.push(payload_type); // that of video has its clock rate
        }
    }
    types
}

/// Which of the codecs that were negotiated for our voice stand for Opus and, if any, for Opus that carries
/// what was before it again.
pub(super) fn outgoing_voice(codecs: &[RTCRtpCodecParameters]) -> Option<(u8, Option<u8>)> {
    let find = |mime: &str| {
        let mut codecs = codecs.iter();
        codecs
            .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime))
            .map(|codec| codec.payload_type)
    };
    Some((find(MIME_TYPE_OPUS)?, find(MIME_TYPE_RED)))
}

fn media_engine(video_codecs: &[VideoCodec]) -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    for codec in video_codecs {
        let number = offered_payload_type(*codec);
        for (rtp_codec, payload_type) in [(video_codec(*codec), number), (repair_codec(number), number + 1)] {
            engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Video)?;
        }
    }
    for (rtp_codec, payload_type) in [(audio_codec(), VOICE), (repeating_audio_codec(), REPEATING_VOICE)] {
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Audio)?;
    }
    configure_simulcast_extension_headers(&mut engine)?;
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        let number = RTCRtpHeaderExtensionCapability { uri: TRANSPORT_CC_URI.to_owned() };
        engine.register_header_extension(number, kind, None)?;
    }
    Ok(engine)
}

/// What is seen of a connection's packets as they pass.
#[derive(Clone, Default)]
pub(super) struct Taps {
    pub reports: Arc<SenderReports>,
    pub ages: Arc<Ages>,
    pub losses: Arc<Losses>,
}

/// What the crate's defaults do, with faster repair, arrival times both ways, reports of when things were
/// captured, counts of what is lost, and our feedback at the end.
fn interceptors(taps: &Taps) -> Registry {
    Registry::new()
        .with(Slot::NackResponder, NackResponderBuilder::new().with_size(NACK_HISTORY).build())
        .with(
            Slot::NackGenerator,
            NackGeneratorBuilder::new().with_size(NACK_HISTORY).with_interval(NACK_INTERVAL).build(),
        )
        .with(Slot::TwccSender, TwccSenderBuilder::new().build())
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().build())
        .with(Slot::from(losses::SLOT), Tapped::new(Arc::clone(&taps.losses)))
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().with_interval(REPORT_INTERVAL).build())
        .with(Slot::SenderReport, SenderReportBuilder::new().with_interval(REPORT_INTERVAL).build())
        .with(Slot::from(captured::SLOT), Tapped::new(Arc::clone(&taps.ages)))
        .with(Slot::from(feedback::SLOT), Tapped::new(Arc::clone(&taps.reports)))
}

/// A track to send by this name, of video where there is a codec to begin with; and the synchronisation source
/// its packets carry.
pub(super) fn track(id: &str, video: Option<VideoCodec>, stream: &str) -> (Arc<TrackLocalStaticRTP>, u32) {
    let ssrc = random_u32();
    let (kind, codec) = match video {
        None => (RtpCodecKind::Audio, audio_codec()),
        Some(codec) => (RtpCodecKind::Video, video_codec(codec)),
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            rtx: (kind == RtpCodecKind::Video).then(|| RTCRtpRtxParameters { ssrc: random_u32() }),
            ..Default::default()
        },
        codec,
        ..Default::default()
    };
    let track = MediaStreamTrack::new(
        stream.to_owned(),
        format!("{stream}-{id}"),
        id.to_owned(),
        kind,
        vec![encoding],
    );
    (Arc::new(TrackLocalStaticRTP::new(track)), ssrc)
}

/// The same track with another codec. The crate's interceptors (repair, reports, arrival times) care
/// for a stream only where its track's codec is among those that were negotiated.
pub(super) fn with_codec(track: &MediaStreamTrack, codec: VideoCodec) -> Arc<TrackLocalStaticRTP> {
    let mut codings = track.codings().to_vec();
    for coding in &mut codings {
        coding.codec = video_codec(codec);
    }
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        track.stream_id().clone(),
        track.track_id().clone(),
        track.label().clone(),
        track.kind(),
        codings,
    )))
}

/// The networks as one connection may use them.
pub(crate) struct Network {
    /// With relays under their placeholders.
    pub ice_servers: Vec<IceServer>,
    /// The ways to the relays.
    pub tunnels: Arc<Tunnels>,
    /// What may be used and told.
    pub addresses: AddressPolicy,
    /// The server is on this machine, so peers may be too.
    pub loopback: bool,
}

/// The part of a connection's settings that may change while it runs.
pub(super) fn configuration(ice_servers: &[IceServer], addresses: AddressPolicy) -> RTCConfiguration {
    let servers = ice_servers.iter().map(|server| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone().unwrap_or_default(),
        credential: server.credential.clone().unwrap_or_default(),
    });
    let policy = match addresses {
        AddressPolicy::RelayOnly => RTCIceTransportPolicy::Relay,
        AddressPolicy::All | AddressPolicy::HidePrivate => RTCIceTransportPolicy::All,
    };
    RTCConfigurationBuilder::new()
        .with_ice_servers(servers.collect())
        .with_ice_transport_policy(policy)
        .build()
}

/// A connection on every interface of this machine; where `loopback`, on the loopback interface when there is
/// no other, which two programs on one machine need then. Not beside others: a check that goes from there to
/// another address of this machine is answered, and Firefox cannot send media back that way.
pub(super) async fn connection(
    network: &Network,
    video_codecs: &[VideoCodec],
    taps: &Taps,
    handler: Arc<dyn PeerConnectionEventHandler>,
) -> Result<Arc<dyn PeerConnection>> {
    // With a network, programs on this machine reach each other by its addresses too.
    let loopback = network.loopback && usable_addresses().is_empty();
    let relayed = network.addresses == AddressPolicy::RelayOnly;
    let settings = SettingEngineBuilder::new()
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), Some(ICE_KEEPALIVE))
        .with_ice_connection_attempts(Some(ICE_CHECK_INTERVAL), Some(ICE_CHECKS))
        // Take the first path that works; a better one can still be nominated while media flows.
        .with_host_acceptance_min_wait(Some(Duration::ZERO))
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(Duration::from_millis(100)))
        .with_relay_acceptance_min_wait(Some(if relayed { Duration::ZERO } else { RELAY_WAIT }))
        .with_include_loopback_candidate(loopback)
        // A restart looks for the sockets' addresses anew: it is made when the old ones lead nowhere.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .build();
    let mut addresses = vec!["0.0.0.0:0", "[::]:0"];
    if loopback {
        addresses.push("127.0.0.1:0");
    }
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration(&network.ice_servers, network.addresses))
        .with_runtime(Arc::new(SocketRuntime::new(Arc::clone(&network.tunnels))))
        .with_media_engine(media_engine(video_codecs)?)
        .with_interceptor_registry(interceptors(taps))
        .with_setting_engine(settings)
        .with_handler(handler)
        .with_udp_addrs(addresses)
        .with_data_channel_send_buffer_limit(DATA_CHANNEL_BUFFER_BYTES)
        .build()
        .await?;
    Ok(Arc::new(connection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_description_says_of_the_voice_is_read() {
        let sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 109 101 13\r\na=rtpmap:109 opus/48000/2\r\n\
                   a=rtpmap:101 telephone-event/8000\r\na=rtpmap:x opus/48000\r\n\
                   a=fmtp:109 minptime=10; useinbandfec=1;maru-dred=12\r\na=rtpmap:96 H264/90000\r\n";
        assert_eq!(voice_types(sdp), VoiceTypes { opus: vec![109], red: vec![] });
        let red = format!("{sdp}a=rtpmap:63 red/48000/2\r\na=fmtp:63 109/109\r\na=rtpmap:116 red/90000\r\n");
        assert_eq!(voice_types(&red), VoiceTypes { opus: vec![109], red: vec![63] });
        assert!(understands_redundancy(sdp));
        assert!(!understands_redundancy(&sdp.replace("dred=12", "dred=13")), "another version");
        assert!(
            !understands_redundancy("a=fmtp:\r\na=rtpmap:\r\n")
                && voice_types("a=rtpmap:") == VoiceTypes::default()
        );
    }
}
