//! Interceptors of the webrtc crate that look at what passes, and hold nothing back. What they look for is said by
//! who has them.

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{AttributedPacket, Interceptor, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// Sees each packet once, on its way.
pub(super) trait Tap: Send + Sync {
    /// One that came from the peer.
    fn read(&mut self, _packet: &mut AttributedPacket) {}

    /// One that goes to the peer.
    fn write(&mut self, _packet: &mut AttributedPacket) {}
}

/// Lets everything through, past its tap. The crate takes out at once what it puts in, so nothing heaps up here.
pub(super) struct Tapped<T> {
    tap: T,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl<T: Tap> Tapped<T> {
    pub fn new(tap: T) -> Self {
        Self { tap, reads: VecDeque::new(), writes: VecDeque::new() }
    }
}

impl<T: Tap> Protocol<TaggedPacket, TaggedPacket, ()> for Tapped<T> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        self.tap.read(&mut packet.message);
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        self.tap.write(&mut packet.message);
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl<T: Tap> Interceptor for Tapped<T> {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
