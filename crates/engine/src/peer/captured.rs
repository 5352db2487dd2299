//! Makes our sender reports tell when sound and pictures were captured, not when they were sent: by that
//! whoever receives them keeps the two together. The webrtc crate takes a packet's timestamp for the
//! time of its sending; by how much it is older, who sends it says here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::sender_report::SenderReport;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// Between the wire and who makes the reports (11 000).
pub(super) const SLOT: usize = 10_500;

/// How old what was sent last of each of our streams was then, by synchronisation source.
#[derive(Default)]
pub(super) struct Ages(Mutex<HashMap<u32, Age>>);

#[derive(Clone, Copy)]
struct Age {
    age: Duration,
    rate_hz: u32,
}

impl Ages {
    /// What is sent now of a stream with this clock was captured so long ago.
    pub fn set(&self, ssrc: u32, age: Duration, rate_hz: u32) {
        self.0.lock().insert(ssrc, Age { age, rate_hz });
    }

    /// The report with the timestamp of what was captured, not sent, at its time of day.
    fn correct(&self, report: &SenderReport) -> Option<SenderReport> {
        let Age { age, rate_hz } = *self.0.lock().get(&report.ssrc)?;
        let older = (age.as_micros() * u128::from(rate_hz) / 1_000_000) as u32;
        Some(SenderReport { rtp_time: report.rtp_time.wrapping_add(older), ..report.clone() })
    }
}

pub(super) struct CapturedInterceptor {
    ages: Arc<Ages>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl CapturedInterceptor {
    pub fn new(ages: Arc<Ages>) -> Self {
        Self { ages, reads: VecDeque::new(), writes: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for CapturedInterceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(reports) = &mut packet.message.packet {
            for report in reports {
                let report_of_ours = report.as_any().downcast_ref();
                if let Some(corrected) = report_of_ours.and_then(|report| self.ages.correct(report)) {
                    *report = Box::new(corrected);
                }
            }
        }
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for CapturedInterceptor {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rtc::interceptor::AttributedPacket;
    use rtc::shared::TransportContext;

    use super::*;

    #[test]
    fn a_report_tells_what_was_captured_at_its_time_not_what_was_sent() {
        let ages = Arc::new(Ages::default());
        ages.set(7, Duration::from_millis(30), 48_000);
        let mut interceptor = CapturedInterceptor::new(ages);
        for (ssrc, expected) in [(7, 1_439), (8, u32::MAX)] {
            let report = SenderReport { ssrc, ntp_time: 5, rtp_time: u32::MAX, ..Default::default() };
            interceptor
                .handle_write(TaggedPacket {
                    now: Instant::now(),
                    transport: TransportContext::default(),
                    message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(report)])),
                })
                .unwrap();
            let Packet::Rtcp(sent) = interceptor.poll_write().unwrap().message.packet else { panic!("RTP") };
            let sent: &SenderReport = sent[0].as_any().downcast_ref().unwrap();
            assert_eq!((sent.ntp_time, sent.rtp_time), (5, expected));
        }
    }
}
