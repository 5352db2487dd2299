//! Which video codec goes to a peer: what the answer of a negotiation says. Reads just the lines that
//! tell (RFC 8866, section 5.14; RFC 3264, section 6.1).

use maru_media::VideoCodec;

/// A video codec and the RTP payload type that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub codec: VideoCodec,
    pub payload_type: u8,
}

/// The payload type that we offer a codec with.
pub(super) fn offered_payload_type(codec: VideoCodec) -> u8 {
    match codec {
        VideoCodec::H264 => 102,
        VideoCodec::Vp8 => 96,
    }
}

/// What a description says of video, of the codecs that are `ours`: its order is kept, the first is the
/// one to send. Empty where the section is refused or names none of them, `None` where there is no
/// section at all.
pub(super) fn video_formats(sdp: &str, ours: &[VideoCodec]) -> Option<Vec<Format>> {
    let mut lines = sdp.lines().map(str::trim_end).skip_while(|line| !line.starts_with("m=video "));
    let mut head = lines.next()?.split_ascii_whitespace().skip(1);
    let port_zero = head.next() == Some("0");
    let payload_types: Vec<u8> = head.skip(1).filter_map(|number| number.parse().ok()).collect();
    let section: Vec<&str> = lines.take_while(|line| !line.starts_with("m=")).collect();
    // Firefox has no port of its own for what shall travel with the rest (RFC 8843, section 6).
    let refused = port_zero && !section.contains(&"a=bundle-only");
    let mut formats: Vec<Format> = section
        .into_iter()
        .filter_map(|line| {
            let (number, encoding) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            let name = encoding.split('/').next()?;
            let codec = *ours.iter().find(|codec| codec.name().eq_ignore_ascii_case(name))?;
            Some(Format { codec, payload_type: number.parse().ok()? })
        })
        .filter(|format| !refused && payload_types.contains(&format.payload_type))
        .collect();
    formats.sort_by_key(|format| payload_types.iter().position(|number| *number == format.payload_type));
    Some(formats)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[VideoCodec] = &[VideoCodec::H264, VideoCodec::Vp8];

    const ANSWER: &str = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 98 97 103 102\r\na=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\n\
        a=rtpmap:98 vp8/90000\r\na=rtpmap:45 AV1/90000\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
        a=rtpmap:99 VP8/90000\r\n";

    #[test]
    fn the_sections_order_decides_and_only_our_codecs_count() {
        let vp8 = Format { codec: VideoCodec::Vp8, payload_type: 98 };
        let h264 = Format { codec: VideoCodec::H264, payload_type: 102 };
        assert_eq!(video_formats(ANSWER, BOTH), Some(vec![vp8, h264]));
        assert_eq!(video_formats(ANSWER, &[VideoCodec::H264]), Some(vec![h264]));
        assert_eq!(video_formats(ANSWER, &[]), Some(vec![]));
    }

    #[test]
    fn a_refused_section_has_none_and_a_missing_one_is_something_else() {
        let refused = ANSWER.replace("m=video 9", "m=video 0");
        assert_eq!(video_formats(&refused, BOTH), Some(vec![]));
        let bundled = refused.replace("a=rtpmap:102", "a=bundle-only\r\na=rtpmap:102");
        assert_eq!(video_formats(&bundled, BOTH), video_formats(ANSWER, BOTH));
        assert_eq!(video_formats("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", BOTH), None);
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        for sdp in ["", "m=video ", "m=video 9", "m=video 9 X 96\na=rtpmap:\na=rtpmap:96\na=rtpmap:x VP8/1\n"]
        {
            assert!(video_formats(sdp, BOTH).is_none_or(|formats| formats.is_empty()), "{sdp:?}");
        }
    }
}
