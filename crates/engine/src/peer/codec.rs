//! Which video codec goes to a peer: what the answer of a negotiation says. Reads just the lines that
//! tell (RFC 8866, section 5.14; RFC 3264, section 6.1).

use maru_media::VideoCodec;

/// A video codec and the RTP payload type that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub codec: VideoCodec,
    pub payload_type: u8,
}

/// Sections of a description that are looked at.
const MAX_SECTIONS: usize = 2;

/// The payload type that we offer a codec with.
pub(super) fn offered_payload_type(codec: VideoCodec) -> u8 {
    match codec {
        VideoCodec::H264 => 102,
        VideoCodec::Vp8 => 96,
    }
}

/// What a description says of video, section by section: the camera's is the first, the screen's the second. Of
/// the codecs that are `ours`; a section's order is kept, the first codec is the one to send. None where it is
/// refused or names none of them.
pub(super) fn video_sections(sdp: &str, ours: &[VideoCodec]) -> Vec<Vec<Format>> {
    let lines: Vec<&str> = sdp.lines().map(str::trim_end).collect();
    let begins = lines.iter().enumerate().filter(|(_, line)| line.starts_with("m=video "));
    let sections = begins.take(MAX_SECTIONS).map(|(at, head)| {
        let rest = lines[at + 1..].iter().copied().take_while(|line| !line.starts_with("m="));
        formats(head, &rest.collect::<Vec<_>>(), ours)
    });
    sections.collect()
}

fn formats(head: &str, section: &[&str], ours: &[VideoCodec]) -> Vec<Format> {
    let mut head = head.split_ascii_whitespace().skip(1);
    let port_zero = head.next() == Some("0");
    let payload_types: Vec<u8> = head.skip(1).filter_map(|number| number.parse().ok()).collect();
    // Firefox has no port of its own for what shall travel with the rest (RFC 8843, section 6).
    let refused = port_zero && !section.contains(&"a=bundle-only");
    let mut formats: Vec<Format> = section
        .iter()
        .filter_map(|line| {
            let (number, encoding) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            let name = encoding.split('/').next()?;
            let codec = *ours.iter().find(|codec| codec.name().eq_ignore_ascii_case(name))?;
            Some(Format { codec, payload_type: number.parse().ok()? })
        })
        .filter(|format| !refused && payload_types.contains(&format.payload_type))
        .collect();
    formats.sort_by_key(|format| payload_types.iter().position(|number| *number == format.payload_type));
    formats
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
        assert_eq!(video_sections(ANSWER, BOTH), [vec![vp8, h264]]);
        assert_eq!(video_sections(ANSWER, &[VideoCodec::H264]), [vec![h264]]);
        assert_eq!(video_sections(ANSWER, &[]), [vec![]]);
    }

    #[test]
    fn a_refused_section_has_none_and_a_missing_one_is_something_else() {
        let refused = ANSWER.replace("m=video 9", "m=video 0");
        assert_eq!(video_sections(&refused, BOTH), [vec![]]);
        let bundled = refused.replace("a=rtpmap:102", "a=bundle-only\r\na=rtpmap:102");
        assert_eq!(video_sections(&bundled, BOTH), video_sections(ANSWER, BOTH));
        assert!(video_sections("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", BOTH).is_empty());
    }

    #[test]
    fn a_second_section_is_told_from_the_first_and_a_third_is_passed_over() {
        let screen = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=rtpmap:102 H264/90000\r\n";
        let sections = video_sections(&format!("{ANSWER}{screen}{screen}"), BOTH);
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0], video_sections(ANSWER, BOTH)[0]);
        assert_eq!(sections[1], [Format { codec: VideoCodec::H264, payload_type: 102 }]);
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        for sdp in ["", "m=video ", "m=video 9", "m=video 9 X 96\na=rtpmap:\na=rtpmap:96\na=rtpmap:x VP8/1\n"]
        {
            assert!(video_sections(sdp, BOTH).iter().all(Vec::is_empty), "{sdp:?}");
        }
    }
}
