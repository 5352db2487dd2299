//! H.264 in RTP, receiver's side: puts the payloads of one frame together to a byte stream
//! (RFC 6184). Knows nothing of order and loss: it is given a complete frame.

use super::h264_pack::{FU_END, FU_START};
use super::{Assembled, Malformed};
use crate::video::nal::{KIND_MASK, START_CODE, kind, sps_size};

/// Remembers the parameter sets, so that a key frame always carries some: a sender may send them on
/// their own, ahead of it.
#[derive(Default)]
pub(crate) struct Depacketizer {
    sps: Vec<u8>,
    pps: Vec<u8>,
    size_px: (u32, u32),
}

/// Longer parameter sets are not kept. Real ones have 10 to 30 bytes.
const MAX_PARAMETER_SET_BYTES: usize = 1024;

impl Depacketizer {
    /// Width and height of the pictures in pixels, (0, 0) while unknown.
    pub fn size_px(&self) -> (u32, u32) {
        self.size_px
    }

    /// Whether a key frame begins with this payload: certainly, or if what came right before it belongs
    /// to another frame, which is what `begins` says.
    pub fn opens_key_frame(&self, payload: &[u8], begins: bool) -> bool {
        let opening = opening(payload);
        opening == Opening::SequenceSet || (begins && self.can_open(opening))
    }

    /// Whether a frame that begins like this can be made a complete key frame, if what came right
    /// before it belongs to another frame.
    fn can_open(&self, opening: Opening) -> bool {
        match opening {
            Opening::SequenceSet => true,
            Opening::PictureSet => !self.sps.is_empty(),
            Opening::KeySlice => !self.sps.is_empty() && !self.pps.is_empty(),
            Opening::Other => false,
        }
    }

    /// Puts a frame together from all its payloads in order. `None` when there is no picture in it.
    pub fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Option<Assembled>, Malformed> {
        let bytes: usize = payloads.clone().map(|payload| payload.len() + START_CODE.len()).sum();
        // The one allocation per frame. Room for the parameter sets, and for the start codes in a
        // STAP-A, which are longer than the lengths they replace.
        let own = self.sps.len() + self.pps.len() + 2 * START_CODE.len();
        let mut stream = Stream { data: Vec::with_capacity(bytes + own + 64), ..Stream::default() };
        for payload in payloads {
            stream.add(payload)?;
        }
        if stream.fragment.is_some() {
            return Err(Malformed);
        }
        self.remember(&stream);
        if !stream.picture {
            return Ok(None);
        }
        let mut data = stream.data;
        if stream.key && (stream.sps.is_none() || stream.pps.is_none()) {
            let mut sets = Vec::with_capacity(own);
            for set in [&self.sps, &self.pps] {
                sets.extend_from_slice(&START_CODE);
                sets.extend_from_slice(set);
            }
            if !self.can_open(Opening::KeySlice) {
                return Err(Malformed);
            }
            data.splice(..0, sets);
        }
        Ok(Some(Assembled { data: data.into(), key: stream.key }))
    }

    fn remember(&mut self, stream: &Stream) {
        if let Some(sps) = stream.sps.clone().and_then(|range| stream.data.get(range)) {
            if *sps != self.sps[..] {
                self.size_px = sps_size(sps).unwrap_or_default();
            }
            replace(&mut self.sps, sps);
        }
        if let Some(pps) = stream.pps.clone().and_then(|range| stream.data.get(range)) {
            replace(&mut self.pps, pps);
        }
    }
}

fn replace(kept: &mut Vec<u8>, set: &[u8]) {
    kept.clear();
    if set.len() <= MAX_PARAMETER_SET_BYTES {
        kept.extend_from_slice(set);
    }
}

/// A byte stream in the making.
#[derive(Default)]
struct Stream {
    data: Vec<u8>,
    /// Type of the NAL unit whose fragments are being collected.
    fragment: Option<u8>,
    /// There is a slice.
    picture: bool,
    /// There is a slice of a picture that can be decoded alone.
    key: bool,
    sps: Option<std::ops::Range<usize>>,
    pps: Option<std::ops::Range<usize>>,
}

impl Stream {
    fn add(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let Some((&header, rest)) = payload.split_first() else {
            return Ok(()); // padding
        };
        let kind = header & KIND_MASK;
        if self.fragment.is_some() && kind != kind::FU_A {
            return Err(Malformed);
        }
        match kind {
            1..=23 => self.unit(payload),
            kind::STAP_A => self.aggregate(rest)?,
            kind::FU_A => self.fragment(header, rest)?,
            _ => {} // section 5.2: types that mode 1 does not have are ignored
        }
        Ok(())
    }

    fn unit(&mut self, unit: &[u8]) {
        self.data.extend_from_slice(&START_CODE);
        let from = self.data.len();
        self.data.extend_from_slice(unit);
        let range = Some(from..self.data.len());
        match unit[0] & KIND_MASK {
            kind::SPS => self.sps = range,
            kind::PPS => self.pps = range,
            kind => self.slice(kind),
        }
    }

    fn slice(&mut self, kind: u8) {
        self.picture |= (kind::SLICE..=kind::IDR).contains(&kind);
        self.key |= kind == kind::IDR;
    }

    fn aggregate(&mut self, mut rest: &[u8]) -> Result<(), Malformed> {
        while let [high, low, units @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (unit, after) = units.split_at_checked(length).ok_or(Malformed)?;
            if !unit.is_empty() {
                self.unit(unit);
            }
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn fragment(&mut self, indicator: u8, rest: &[u8]) -> Result<(), Malformed> {
        let (&header, body) = rest.split_first().ok_or(Malformed)?;
        let kind = header & KIND_MASK;
        let (start, end) = (header & FU_START != 0, header & FU_END != 0);
        // A fragment is 1 to 23 in parts: whole aggregates are not fragmented (section 5.8).
        if !(1..=23).contains(&kind) || start == self.fragment.is_some() {
            return Err(Malformed);
        }
        if start {
            self.data.extend_from_slice(&START_CODE);
            self.data.push(indicator & !KIND_MASK | kind);
            self.slice(kind);
        } else if self.fragment != Some(kind) {
            return Err(Malformed);
        }
        self.data.extend_from_slice(body);
        self.fragment = (!end).then_some(kind);
        Ok(())
    }
}

/// What the first payload of a frame can say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// A sequence parameter set: a key frame begins here, whatever was before.
    SequenceSet,
    /// A picture parameter set; the sequence parameter set may have been before it.
    PictureSet,
    /// The first slice of a key frame; its parameter sets may have been before it.
    KeySlice,
    /// Anything else.
    Other,
}

/// How a payload begins.
fn opening(payload: &[u8]) -> Opening {
    let Some((&header, rest)) = payload.split_first() else {
        return Opening::Other;
    };
    // In a slice header first_mb_in_slice comes first; the one bit 1 is its value 0.
    let first_slice = |body: Option<&u8>| body.is_some_and(|byte| byte & 0x80 != 0);
    match header & KIND_MASK {
        kind::SPS => Opening::SequenceSet,
        kind::PPS => Opening::PictureSet,
        kind::STAP_A => match rest {
            [_, _, unit, ..] if unit & KIND_MASK == kind::SPS => Opening::SequenceSet,
            // An access unit delimiter (9) goes before everything else (ITU-T H.264, 7.4.1.2.3).
            [0, 2, delimiter, _, _, _, unit, ..]
                if delimiter & KIND_MASK == 9 && unit & KIND_MASK == kind::SPS =>
            {
                Opening::SequenceSet
            }
            [_, _, unit, body, ..] if unit & KIND_MASK == kind::IDR && first_slice(Some(body)) => {
                Opening::KeySlice
            }
            _ => Opening::Other,
        },
        kind::IDR if first_slice(rest.first()) => Opening::KeySlice,
        kind::FU_A => match rest {
            [header, body, ..]
                if header & FU_START != 0 && header & KIND_MASK == kind::IDR && first_slice(Some(body)) =>
            {
                Opening::KeySlice
            }
            _ => Opening::Other,
        },
        _ => Opening::Other,
    }
}
