//! Lets through to us what only we can answer of the peers' RTCP: requests for key frames, and
//! reports of loss. The webrtc crate keeps all RTCP to its own interceptors unless one of them
//! marks a packet for the application.

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// Application-most: every other interceptor has seen the packet by then.
pub(super) const SLOT: usize = 14_000;

#[derive(Default)]
pub(super) struct FeedbackInterceptor {
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

/// What the peers say about our streams.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Feedback {
    pub key_frame_wanted: bool,
    /// The largest share of packets lost, 0 to 1, of all reports.
    pub loss: Option<f64>,
}

impl Feedback {
    pub fn read(packets: &[Box<dyn rtc::rtcp::Packet>]) -> Self {
        let mut feedback = Self::default();
        for packet in packets {
            let packet = packet.as_any();
            if packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>() {
                feedback.key_frame_wanted = true;
            }
            let reports = if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                &report.reports
            } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
                &report.reports
            } else {
                continue;
            };
            for report in reports {
                let loss = f64::from(report.fraction_lost) / 256.0;
                feedback.loss = Some(feedback.loss.map_or(loss, |most| most.max(loss)));
            }
        }
        feedback
    }
}

fn is_for_us(packet: &dyn rtc::rtcp::Packet) -> bool {
    let packet = packet.as_any();
    packet.is::<PictureLossIndication>()
        || packet.is::<FullIntraRequest>()
        || packet.is::<ReceiverReport>()
        || packet.is::<SenderReport>()
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for FeedbackInterceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &packet.message.packet
            && packets.iter().any(|packet| is_for_us(packet.as_ref()))
        {
            packet.message.add(Attribute::DeliverToApplication);
        }
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for FeedbackInterceptor {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
