//! One peer's video from packets to frames: order, gaps, key frames. Sans-IO: it is told the time,
//! given packets and asked for events. It refuses to know RTP headers, RTCP and retransmission;
//! that somebody asks for missing packets is why it waits for them a little.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::frame::{EncodedFrame, VideoCodec};
use crate::video::rtp::Depacketizer;
use crate::video::window::{Front, Insert, Window};

/// One received packet.
#[derive(Clone, Debug)]
pub struct VideoPacket {
    /// What its payload type stands for.
    pub codec: VideoCodec,
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp, 90 kHz.
    pub timestamp: u32,
    /// RTP marker: last packet of its frame.
    pub marker: bool,
    /// What follows the RTP header, padding removed.
    pub payload: Bytes,
    /// When it arrived.
    pub arrived: Instant,
}

/// What the receiver has to say.
#[derive(Clone, Debug)]
pub enum VideoEvent {
    /// A complete frame. All frames that it refers to were given out before.
    Frame(EncodedFrame),
    /// No frame can be given out until a key frame comes: ask the sender for one.
    KeyFrameNeeded,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoReceiveStats {
    /// Packets pushed.
    pub packets_received: u64,
    /// Packets given up: they did not come in time.
    pub packets_lost: u64,
    /// Packets that came when their place was passed already.
    pub packets_late: u64,
    /// Packets that were there already.
    pub packets_duplicate: u64,
    /// Frames given out.
    pub frames: u64,
    /// Frames that began to arrive and were not given out.
    pub frames_dropped: u64,
    /// Key frames given out.
    pub key_frames: u64,
}

/// How long a gap may hold up the stream: time for one or two retransmissions on a usual path.
const DEFAULT_MAX_WAIT: Duration = Duration::from_millis(120);
/// A request for a key frame can get lost.
const REQUEST_INTERVAL: Duration = Duration::from_millis(500);
/// After so long without a packet the sender's camera is off: nobody is asked for anything.
const IDLE_AFTER: Duration = Duration::from_secs(2);

/// Puts the packets of one video stream in order and gives out complete frames, at once when nothing
/// is missing. Holds at most 1024 packets and 4 MiB.
pub struct VideoReceiver {
    window: Window,
    depacketizer: Depacketizer,
    max_wait: Duration,
    /// Whether a frame is known to begin at the window's head.
    at_boundary: bool,
    /// The next frame given out must be a key frame.
    waiting_for_key: bool,
    /// While waiting: a key frame begins at the head.
    key_frame_coming: bool,
    /// While waiting: when to ask for a key frame next.
    request_at: Option<Instant>,
    last_arrival: Option<Instant>,
    /// Timestamp of the last frame that was counted as dropped.
    dropped_timestamp: Option<u32>,
    stats: VideoReceiveStats,
}

impl Default for VideoReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl VideoReceiver {
    /// A receiver that waits for a key frame, and at most 120 ms for a missing packet.
    pub fn new() -> Self {
        Self::with_max_wait(DEFAULT_MAX_WAIT)
    }

    /// A receiver that waits at most `max_wait` for a missing packet, from the arrival of a later one.
    pub fn with_max_wait(max_wait: Duration) -> Self {
        Self {
            window: Window::new(),
            depacketizer: Depacketizer::new(VideoCodec::H264),
            max_wait,
            at_boundary: false,
            waiting_for_key: true,
            key_frame_coming: false,
            request_at: None,
            last_arrival: None,
            dropped_timestamp: None,
            stats: VideoReceiveStats::default(),
        }
    }

    /// Changes how long to wait for a missing packet; the round-trip time says what makes sense.
    pub fn set_max_wait(&mut self, max_wait: Duration) {
        self.max_wait = max_wait;
    }

    /// Takes a packet.
    pub fn push(&mut self, now: Instant, packet: VideoPacket) {
        self.stats.packets_received += 1;
        let first = self.last_arrival.replace(now).is_none();
        // What begins with padding has a key frame to come.
        if self.waiting_for_key && self.request_at.is_none() && !packet.payload.is_empty() {
            self.request_at = Some(now);
        }
        if packet.codec != self.depacketizer.codec() {
            if !first {
                // What is there cannot be continued in another codec.
                self.skip_to(now, self.window.end());
                self.window.clear();
            }
            self.depacketizer = Depacketizer::new(packet.codec);
        }
        loop {
            match self.window.insert(&packet) {
                Insert::Stored => return,
                Insert::Duplicate => {
                    self.stats.packets_duplicate += 1;
                    return;
                }
                Insert::Late => {
                    self.stats.packets_late += 1;
                    return;
                }
                // Each of the following makes room, so that the loop comes to an end.
                Insert::NeedsHead(head) => self.skip_to(now, head),
                Insert::Jump => {
                    self.skip_to(now, self.window.end());
                    self.window.clear();
                    self.depacketizer = Depacketizer::new(packet.codec);
                }
            }
        }
    }

    /// The next event, or `None` for now. Call it until then after each push, and when
    /// [`next_deadline`](Self::next_deadline) has come.
    pub fn poll(&mut self, now: Instant) -> Option<VideoEvent> {
        loop {
            if self.waiting_for_key && !self.seek_key_frame(now) {
                break;
            }
            match self.window.front() {
                Front::Complete(end) => {
                    if let Some(frame) = self.complete(now, end) {
                        return Some(VideoEvent::Frame(frame));
                    }
                }
                Front::Padding => self.window.advance(self.window.head() + 1),
                Front::Gap { since, behind } if now >= since + self.max_wait => self.skip_to(now, behind),
                Front::Gap { .. } | Front::Open => break,
            }
        }
        self.request_due(now).then_some(VideoEvent::KeyFrameNeeded)
    }

    /// When to poll even if no packet comes; `None` when only a packet can change anything.
    pub fn next_deadline(&self) -> Option<Instant> {
        let gap = match self.window.front() {
            Front::Gap { since, .. } if !self.waiting_for_key || self.key_frame_coming => {
                Some(since + self.max_wait)
            }
            _ => None,
        };
        let request = self.request_at.filter(|at| self.waiting_for_key && !self.is_idle(*at));
        [gap, request].into_iter().flatten().min()
    }

    /// The codec of the newest packets.
    pub fn codec(&self) -> VideoCodec {
        self.depacketizer.codec()
    }

    /// What happened so far.
    pub fn stats(&self) -> VideoReceiveStats {
        self.stats
    }

    /// The frame from the head up to and without `end` is there as a whole.
    fn complete(&mut self, now: Instant, end: i64) -> Option<EncodedFrame> {
        let packets = self.window.packets(self.window.head()..end);
        let timestamp = packets.clone().next().map_or(0, |(_, packet)| packet.timestamp);
        let at = packets.clone().map(|(_, packet)| packet.arrived).max().unwrap_or(now);
        let assembled = self.depacketizer.assemble(packets.map(|(_, packet)| &packet.payload[..]));
        match assembled {
            Ok(Some(assembled)) if assembled.key || !self.waiting_for_key => {
                self.window.advance(end);
                self.at_boundary = true;
                self.waiting_for_key = false;
                self.key_frame_coming = false;
                self.request_at = None;
                self.stats.frames += 1;
                self.stats.key_frames += u64::from(assembled.key);
                let (width_px, height_px) = self.depacketizer.size_px();
                return Some(EncodedFrame {
                    codec: self.depacketizer.codec(),
                    data: assembled.data,
                    key: assembled.key,
                    timestamp,
                    width_px,
                    height_px,
                    at,
                });
            }
            // Parameter sets on their own, which are remembered, or nothing that is known.
            Ok(None) => self.window.advance(end),
            Ok(Some(_)) | Err(_) => self.skip_to(now, end),
        }
        self.at_boundary = true;
        None
    }

    /// Gives everything before `head` up, and with it all frames up to the next key frame.
    fn skip_to(&mut self, now: Instant, head: i64) {
        self.drop_until(head);
        // A key frame that was coming is damaged too: ask at once.
        if !self.waiting_for_key || self.key_frame_coming {
            self.waiting_for_key = true;
            self.key_frame_coming = false;
            self.request_at = Some(now);
        }
    }

    fn drop_until(&mut self, head: i64) {
        let (mut there, mut frames) = (0, 0);
        for (_, packet) in self.window.packets(self.window.head()..head) {
            there += 1;
            if !packet.payload.is_empty() && self.dropped_timestamp != Some(packet.timestamp) {
                self.dropped_timestamp = Some(packet.timestamp);
                frames += 1;
            }
        }
        let passed = (head - self.window.head()).max(0) as u64;
        self.stats.packets_lost += passed - there;
        self.stats.frames_dropped += frames;
        self.window.advance(head);
        self.at_boundary = false;
    }

    /// Moves the head to where the next key frame begins. False while none does.
    fn seek_key_frame(&mut self, now: Instant) -> bool {
        let head = self.window.head();
        let mut before: Option<(i64, u32)> = None;
        let mut useful = self.window.end();
        let mut found = None;
        for (number, packet) in self.window.packets(head..self.window.end()) {
            // A frame certainly begins where the last one ended, or behind a packet of another one.
            let begins = (number == head && self.at_boundary)
                || before
                    .is_some_and(|(last, timestamp)| last + 1 == number && timestamp != packet.timestamp);
            if self.depacketizer.opens_key_frame(&packet.payload, begins) {
                found = Some(number);
                break;
            }
            if now < packet.arrived + self.max_wait {
                useful = useful.min(number);
            }
            before = Some((number, packet.timestamp));
        }
        if let Some(number) = found {
            if number > head {
                self.drop_until(number);
            }
            self.at_boundary = true;
            self.key_frame_coming = true;
            // While its packets come in there is no point in asking for another one.
            if let (Some(request), Some(arrival)) = (self.request_at, self.last_arrival) {
                self.request_at = Some(request.max(arrival + REQUEST_INTERVAL));
            }
            return true;
        }
        self.key_frame_coming = false;
        // What is useless and old goes; behind what is young a lost beginning may still arrive.
        if useful > head {
            self.drop_until(useful);
        }
        false
    }

    /// Whether to ask for a key frame now.
    fn request_due(&mut self, now: Instant) -> bool {
        let due = self.waiting_for_key && !self.is_idle(now) && self.request_at.is_some_and(|at| at <= now);
        if due {
            self.request_at = Some(now + REQUEST_INTERVAL);
        }
        due
    }

    fn is_idle(&self, at: Instant) -> bool {
        self.last_arrival.is_none_or(|arrival| at >= arrival + IDLE_AFTER)
    }
}
