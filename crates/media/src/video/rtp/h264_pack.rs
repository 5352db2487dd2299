//! H.264 in RTP, sender's side: RFC 6184, packetization mode 1 (single NAL unit, STAP-A, FU-A).

use bytes::{Bytes, BytesMut};

use super::Payload;
use crate::video::nal::{FORBIDDEN_MASK, IMPORTANCE_MASK, KIND_MASK, NalUnits, kind};

/// A STAP-A header, and the length before each NAL unit in it (RFC 6184, section 5.7.1).
const STAP_HEADER: usize = 1;
const STAP_LENGTH: usize = 2;
/// FU indicator and FU header (section 5.8).
const FU_HEADER: usize = 2;
pub(super) const FU_START: u8 = 0x80;
pub(super) const FU_END: u8 = 0x40;

/// Cuts a frame. Whole NAL units are slices of its bytes; aggregated and fragmented ones need headers
/// in between and are copied into one buffer: at most one allocation of that size per frame.
pub(super) fn packetize(data: &Bytes, max: usize, out: &mut Vec<Payload>) {
    let mut built = BytesMut::new();
    let mut units = NalUnits::new(data).peekable();
    while let Some(unit) = units.next() {
        if unit.len() > max {
            make_room(&mut built, data.len() - unit.start, max);
            fragment(&data[unit], max, &mut built, out);
            continue;
        }
        // Small NAL units that follow each other travel together: the parameter sets, above all.
        let mut bytes = STAP_HEADER + STAP_LENGTH + unit.len();
        while let Some(next) = units.next_if(|next| bytes + STAP_LENGTH + next.len() <= max) {
            if built.is_empty() {
                make_room(&mut built, data.len() - unit.start, max);
                built.extend_from_slice(&[kind::STAP_A]);
                aggregate(&data[unit.clone()], &mut built);
            }
            bytes += STAP_LENGTH + next.len();
            aggregate(&data[next], &mut built);
        }
        let payload = if built.is_empty() { data.slice(unit) } else { built.split().freeze() };
        out.push(Payload { data: payload, marker: false });
    }
}

/// Makes room, once per frame, for all that is left of it: with pieces of at least half the maximum
/// there are 2 bytes of header for each, and 3 for each of a few small NAL units.
fn make_room(built: &mut BytesMut, left: usize, max: usize) {
    built.reserve(left + FU_HEADER * (2 * left / max) + 64);
}

/// Adds a NAL unit to a STAP-A. The STAP-A is as important as its most important unit, and damaged
/// when one unit is (section 5.7).
fn aggregate(unit: &[u8], built: &mut BytesMut) {
    let (header, first) = (built[0], unit[0]);
    let importance = (header & IMPORTANCE_MASK).max(first & IMPORTANCE_MASK);
    built[0] = (header | first) & FORBIDDEN_MASK | importance | kind::STAP_A;
    built.extend_from_slice(&(unit.len() as u16).to_be_bytes());
    built.extend_from_slice(unit);
}

/// Cuts a NAL unit into fragments of nearly the same size: no tiny last packet.
fn fragment(unit: &[u8], max: usize, built: &mut BytesMut, out: &mut Vec<Payload>) {
    let (header, body) = (unit[0], &unit[1..]);
    let size = body.len().div_ceil(body.len().div_ceil(max - FU_HEADER));
    let count = body.len().div_ceil(size);
    for (index, piece) in body.chunks(size).enumerate() {
        let start = if index == 0 { FU_START } else { 0 };
        let end = if index + 1 == count { FU_END } else { 0 };
        built.extend_from_slice(&[header & !KIND_MASK | kind::FU_A, start | end | header & KIND_MASK]);
        built.extend_from_slice(piece);
        out.push(Payload { data: built.split().freeze(), marker: false });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::super::{MIN_PAYLOAD_BYTES, Packetizer, h264_unpack::Depacketizer};
    use super::*;
    use crate::frame::{EncodedFrame, VideoCodec};
    use crate::video::nal::START_CODE;

    fn frame(units: &[&[u8]]) -> EncodedFrame {
        let data: Vec<u8> = units.iter().flat_map(|unit| START_CODE.iter().chain(*unit)).copied().collect();
        EncodedFrame {
            codec: VideoCodec::H264,
            data: data.into(),
            key: true,
            timestamp: 0,
            width_px: 0,
            height_px: 0,
            at: Instant::now(),
        }
    }

    fn payloads(frame: &EncodedFrame, max: usize) -> Vec<Payload> {
        let mut out = vec![Payload { data: Bytes::from_static(b"of the last frame"), marker: true }];
        Packetizer::default().packetize(frame, max, &mut out);
        out
    }

    #[test]
    fn a_small_frame_is_one_packet_that_shares_its_bytes() {
        let frame = frame(&[&[0x61, 1, 2, 3]]);
        let payloads = payloads(&frame, 1200);
        assert_eq!(payloads, [Payload { data: frame.data.slice(4..), marker: true }]);
        assert_eq!(payloads[0].data.as_ptr(), frame.data[4..].as_ptr(), "no copy");
    }

    #[test]
    fn parameter_sets_travel_together_with_the_highest_importance() {
        let slice = [0x65; 2000];
        let payloads = payloads(&frame(&[&[0x27, 1, 2], &[0x68, 3], &slice]), 1200);
        assert_eq!(payloads[0].data[..], [0x78, 0, 3, 0x27, 1, 2, 0, 2, 0x68, 3]);
        assert_eq!(payloads.len(), 3);
        assert_eq!(payloads.iter().map(|payload| payload.marker).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_large_unit_is_cut_into_even_fragments_with_start_and_end() {
        let mut slice = vec![0x65];
        slice.extend((0..3000).map(|byte| byte as u8 | 1));
        let payloads = payloads(&frame(&[&slice]), 1200);
        let headers: Vec<&[u8]> = payloads.iter().map(|payload| &payload.data[..2]).collect();
        assert_eq!(headers, [[0x7c, 0x85], [0x7c, 0x05], [0x7c, 0x45]]);
        assert!(payloads.iter().all(|payload| payload.data.len() == 1002));
        let body: Vec<u8> = payloads.iter().flat_map(|payload| payload.data[2..].to_vec()).collect();
        assert_eq!(body, slice[1..]);
    }

    #[test]
    fn a_frame_without_units_has_no_packets() {
        assert!(payloads(&frame(&[]), 1200).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_cut_fits_and_is_put_together_again(
            units in prop::collection::vec((1_u8..24, prop::collection::vec(1_u8.., 1..5000)), 1..8),
            max in 0_usize..3000,
        ) {
            let units: Vec<Vec<u8>> =
                units.into_iter().map(|(kind, body)| [vec![0x60 | kind], body].concat()).collect();
            let mut all: Vec<&[u8]> = vec![&[0x67, 1], &[0x68, 1], &[0x65, 0x88]];
            all.extend(units.iter().map(|unit| &unit[..]));
            let frame = frame(&all);
            let payloads = payloads(&frame, max);
            prop_assert!(payloads.iter().all(|payload| payload.data.len() <= max.max(MIN_PAYLOAD_BYTES)));
            let markers: Vec<usize> =
                payloads.iter().enumerate().filter(|(_, payload)| payload.marker).map(|(index, _)| index).collect();
            prop_assert_eq!(markers, [payloads.len() - 1]);
            let bytes = payloads.iter().map(|payload| &payload.data[..]);
            let assembled = Depacketizer::default().assemble(bytes).unwrap().unwrap();
            prop_assert!(assembled.data == frame.data);
        }
    }
}
