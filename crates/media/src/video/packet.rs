//! H.264 in RTP, sender's side: RFC 6184, packetization mode 1 (single NAL unit, STAP-A, FU-A).

use bytes::{Bytes, BytesMut};

use crate::frame::EncodedFrame;
use crate::video::nal::{FORBIDDEN_MASK, IMPORTANCE_MASK, KIND_MASK, NalUnits, kind};

/// The payload of one RTP packet. Cloning one is cheap: peers share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What follows the RTP header.
    pub data: Bytes,
    /// The RTP marker: last packet of the frame.
    pub marker: bool,
}

/// A STAP-A header, and the length before each NAL unit in it (RFC 6184, section 5.7.1).
const STAP_HEADER: usize = 1;
const STAP_LENGTH: usize = 2;
/// FU indicator and FU header (section 5.8).
const FU_HEADER: usize = 2;
pub(super) const FU_START: u8 = 0x80;
pub(super) const FU_END: u8 = 0x40;
/// Below this nothing sensible can be sent; a network's packets are at least 30 times as long.
const MIN_PAYLOAD_BYTES: usize = 16;
/// Above this a length in a STAP-A would not fit, nor a packet into UDP.
const MAX_PAYLOAD_BYTES: usize = 65_000;

/// Cuts a frame into payloads of at most `max_payload_bytes`, done once for all peers. They replace
/// what is in `out`. Whole NAL units are slices of the frame's bytes; aggregated and fragmented ones
/// need headers in between and are copied into one buffer: at most one allocation of that size per
/// frame.
pub fn packetize(frame: &EncodedFrame, max_payload_bytes: usize, out: &mut Vec<Payload>) {
    out.clear();
    let max = max_payload_bytes.clamp(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
    let data = &frame.data;
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
    if let Some(last) = out.last_mut() {
        last.marker = true;
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
