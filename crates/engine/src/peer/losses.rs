//! Counts what is lost on the way, both ways, from the reception reports (RFC 3550, section 6.4.1) that the peer
//! sends and that go to it. Refuses to know what is done about it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rtc::interceptor::{AttributedPacket, Packet};
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;

use super::tap::Tap;

/// Between the wire and who makes the reports (10 000).
pub(super) const SLOT: usize = 9_500;
/// Streams of one direction that are counted; reports about others are none of ours.
const MAX_STREAMS: usize = 16;
/// More packets between two reports than this are no stream that goes on.
const MAX_STEP: u32 = 1 << 16;

/// Packets that reports were made about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reported {
    /// All of them.
    pub packets: u64,
    /// The lost ones.
    pub lost: u64,
}

/// One direction of a connection.
#[derive(Default)]
struct Direction {
    /// The highest sequence number and the lost packets that each stream's last report named.
    streams: HashMap<u32, (u32, u32)>,
    sum: Reported,
}

impl Direction {
    fn take(&mut self, report: &ReceptionReport) {
        let now = (report.last_sequence_number, report.total_lost);
        if self.streams.len() == MAX_STREAMS && !self.streams.contains_key(&report.ssrc) {
            return;
        }
        // The first one says nothing of how many there were: streams begin with any number.
        let Some((sequence, lost)) = self.streams.insert(report.ssrc, now) else { return };
        let packets = now.0.wrapping_sub(sequence);
        if packets > MAX_STEP {
            return; // older than the last one, or of a stream that began anew
        }
        // Packets that came twice make it smaller.
        let lost = now.1.saturating_sub(lost).min(packets);
        self.sum.packets += u64::from(packets);
        self.sum.lost += u64::from(lost);
    }
}

/// What was lost so far.
#[derive(Default)]
pub(super) struct Losses {
    sent: Mutex<Direction>,
    received: Mutex<Direction>,
}

impl Losses {
    /// Of what we send, by the peer's reports.
    pub fn sent(&self) -> Reported {
        self.sent.lock().sum
    }

    /// Of what the peer sends, by ours.
    pub fn received(&self) -> Reported {
        self.received.lock().sum
    }
}

/// What an RTCP packet reports of its receiver's, if it is one that does.
pub(super) fn reception_reports(packet: &dyn rtc::rtcp::Packet) -> &[ReceptionReport] {
    let packet = packet.as_any();
    if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
        &report.reports
    } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
        &report.reports
    } else {
        &[]
    }
}

fn count(packet: &Packet, direction: &Mutex<Direction>) {
    let Packet::Rtcp(packets) = packet else { return };
    for report in packets.iter().flat_map(|packet| reception_reports(packet.as_ref())) {
        direction.lock().take(report);
    }
}

impl Tap for Arc<Losses> {
    fn read(&mut self, packet: &mut AttributedPacket) {
        count(&packet.packet, &self.sent);
    }

    fn write(&mut self, packet: &mut AttributedPacket) {
        count(&packet.packet, &self.received);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ssrc: u32, last_sequence_number: u32, total_lost: u32) -> ReceptionReport {
        ReceptionReport { ssrc, last_sequence_number, total_lost, ..Default::default() }
    }

    fn counted(reports: &[ReceptionReport]) -> Reported {
        let mut direction = Direction::default();
        for report in reports {
            direction.take(report);
        }
        direction.sum
    }

    #[test]
    fn what_is_lost_between_reports_is_counted_over_all_streams() {
        let sum = counted(&[report(1, 5000, 7), report(2, 10, 0), report(1, 5100, 13), report(2, 60, 1)]);
        assert_eq!(sum, Reported { packets: 150, lost: 7 });
    }

    #[test]
    fn numbers_that_wrap_go_on_and_those_that_make_no_sense_count_nothing() {
        let sum = counted(&[report(1, u32::MAX - 9, 0), report(1, 10, 2)]);
        assert_eq!(sum, Reported { packets: 20, lost: 2 });
        // Older than the last one; anew; more lost than there were; fewer lost than before.
        assert_eq!(counted(&[report(1, 500, 0), report(1, 400, 3)]), Reported::default());
        assert_eq!(counted(&[report(1, 500, 0), report(1, 4_000_000, 3)]), Reported::default());
        assert_eq!(counted(&[report(1, 500, 0), report(1, 510, 300)]), Reported { packets: 10, lost: 10 });
        assert_eq!(counted(&[report(1, 500, 9), report(1, 510, 2)]), Reported { packets: 10, lost: 0 });
    }

    #[test]
    fn whoever_reports_on_thousands_of_streams_takes_no_more_memory_for_it() {
        let mut direction = Direction::default();
        for ssrc in 0..5000 {
            direction.take(&report(ssrc, 1, 0));
        }
        assert_eq!(direction.streams.len(), MAX_STREAMS);
    }
}
