//! Makes our sender reports tell when sound and pictures were captured, not when they were sent: by that
//! whoever receives them keeps the two together. The webrtc crate takes a packet's timestamp for the
//! time of its sending; by how much it is older, who sends it says here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rtc::interceptor::{AttributedPacket, Packet};
use rtc::rtcp::sender_report::SenderReport;

use super::tap::Tap;

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

impl Tap for Arc<Ages> {
    fn write(&mut self, packet: &mut AttributedPacket) {
        let Packet::Rtcp(reports) = &mut packet.packet else { return };
        for report in reports {
            let report_of_ours = report.as_any().downcast_ref();
            if let Some(corrected) = report_of_ours.and_then(|report| self.correct(report)) {
                *report = Box::new(corrected);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_what_was_captured_at_its_time_not_what_was_sent() {
        let mut ages = Arc::new(Ages::default());
        ages.set(7, Duration::from_millis(30), 48_000);
        for (ssrc, expected) in [(7, 1_439), (8, u32::MAX)] {
            let report = SenderReport { ssrc, ntp_time: 5, rtp_time: u32::MAX, ..Default::default() };
            let mut packet = AttributedPacket::new(Packet::Rtcp(vec![Box::new(report)]));
            ages.write(&mut packet);
            let Packet::Rtcp(sent) = packet.packet else { panic!("RTP") };
            let sent: &SenderReport = sent[0].as_any().downcast_ref().unwrap();
            assert_eq!((sent.ntp_time, sent.rtp_time), (5, expected));
        }
    }
}
