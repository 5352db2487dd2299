//! Lets through to us what only we can answer of the peers' RTCP: requests for key frames, and
//! reports of loss. The webrtc crate keeps all RTCP to its own interceptors unless one of them
//! marks a packet for the application. Sender reports are kept here by stream: what is reported along
//! with them may make the crate take them to another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use maru_media::audio::protection::{Protection, Understands};
use parking_lot::Mutex;
use rtc::interceptor::{Attribute, AttributedPacket, Packet};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;

use super::losses::reception_reports;
use super::tap::Tap;

/// Application-most: every other interceptor has seen the packet by then.
pub(super) const SLOT: usize = 14_000;

/// Streams of one peer whose reports are kept.
const MAX_STREAMS: usize = 16;

/// The time of day (NTP) that belongs to an RTP timestamp.
pub(super) type SenderTime = (u64, u32);

/// The newest sender report of each of a peer's streams that was not looked at yet.
#[derive(Default)]
pub(super) struct SenderReports(Mutex<HashMap<u32, SenderTime>>);

impl SenderReports {
    fn keep(&self, report: &SenderReport) {
        let mut reports = self.0.lock();
        if reports.len() < MAX_STREAMS || reports.contains_key(&report.ssrc) {
            reports.insert(report.ssrc, (report.ntp_time, report.rtp_time));
        }
    }

    /// The stream's report, once.
    pub fn take(&self, ssrc: u32) -> Option<SenderTime> {
        self.0.lock().remove(&ssrc)
    }
}

/// Tells the voice's encoder what one peer reports; forgotten with the connection.
pub(super) struct VoiceFeedback {
    protection: Arc<Mutex<Protection>>,
    pub ssrc: u32,
    understands: Understands,
}

impl VoiceFeedback {
    pub fn new(protection: &Arc<Mutex<Protection>>, ssrc: u32, understands: Understands) -> Self {
        Self { protection: Arc::clone(protection), ssrc, understands }
    }

    pub fn loss(&self, now: Instant, loss: f64) {
        self.protection.lock().report(now, self.ssrc, loss, self.understands);
    }
}

impl Drop for VoiceFeedback {
    fn drop(&mut self) {
        self.protection.lock().forget(self.ssrc);
    }
}

/// What the peers say about our streams.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Feedback {
    /// Of the camera.
    pub key_frame_wanted: bool,
    /// Of the screen.
    pub screen_key_frame_wanted: bool,
    /// The largest share of packets lost, 0 to 1, of all reports but those about the voice and the screen.
    pub loss: Option<f64>,
    /// The share of the screen's packets lost.
    pub screen_loss: Option<f64>,
    /// The share of the voice's packets lost.
    pub voice_loss: Option<f64>,
}

impl Feedback {
    /// Of the streams with these synchronisation sources; what is about any other is about the camera.
    pub fn read(packets: &[Box<dyn rtc::rtcp::Packet>], voice_ssrc: u32, screen_ssrc: Option<u32>) -> Self {
        let mut feedback = Self::default();
        for packet in packets {
            let mut wanted = |ssrc: u32| match Some(ssrc) == screen_ssrc {
                true => feedback.screen_key_frame_wanted = true,
                false => feedback.key_frame_wanted = true,
            };
            if let Some(request) = packet.as_any().downcast_ref::<PictureLossIndication>() {
                wanted(request.media_ssrc);
            } else if let Some(request) = packet.as_any().downcast_ref::<FullIntraRequest>() {
                request.fir.iter().for_each(|entry| wanted(entry.ssrc));
            }
            for report in reception_reports(packet.as_ref()) {
                let loss = f64::from(report.fraction_lost) / 256.0;
                let place = if report.ssrc == voice_ssrc {
                    &mut feedback.voice_loss
                } else if Some(report.ssrc) == screen_ssrc {
                    &mut feedback.screen_loss
                } else {
                    &mut feedback.loss
                };
                *place = Some(place.map_or(loss, |most| most.max(loss)));
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

impl Tap for Arc<SenderReports> {
    fn read(&mut self, packet: &mut AttributedPacket) {
        let Packet::Rtcp(packets) = &packet.packet else { return };
        for report in packets.iter().filter_map(|packet| packet.as_any().downcast_ref()) {
            self.keep(report);
        }
        if packets.iter().any(|packet| is_for_us(packet.as_ref())) {
            packet.add(Attribute::DeliverToApplication);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rtc::rtcp::reception_report::ReceptionReport;

    const VOICE: u32 = 7;

    fn reception(ssrc: u32, fraction_lost: u8) -> ReceptionReport {
        ReceptionReport { ssrc, fraction_lost, ..Default::default() }
    }

    fn sender_report(ssrc: u32, ntp_time: u64) -> SenderReport {
        SenderReport {
            ssrc,
            ntp_time,
            rtp_time: 5,
            reports: vec![reception(VOICE, 64), reception(8, 128)],
            ..Default::default()
        }
    }

    #[test]
    fn loss_of_the_voice_and_of_pictures_are_told_apart() {
        let packets: Vec<Box<dyn rtc::rtcp::Packet>> = vec![
            Box::new(sender_report(1, 2)),
            Box::new(ReceiverReport { reports: vec![reception(9, 32)], ..Default::default() }),
        ];
        let feedback = Feedback::read(&packets, VOICE, None);
        let expected = Feedback { loss: Some(0.5), voice_loss: Some(0.25), ..Feedback::default() };
        assert_eq!(feedback, expected);
        let feedback = Feedback::read(&packets, VOICE, Some(9));
        assert_eq!(feedback, Feedback { screen_loss: Some(0.125), ..expected });
    }

    #[test]
    fn a_key_frame_is_asked_of_the_stream_that_the_request_names() {
        let request = |media_ssrc| -> Vec<Box<dyn rtc::rtcp::Packet>> {
            vec![Box::new(PictureLossIndication { sender_ssrc: 0, media_ssrc })]
        };
        let wanted = |ssrc| {
            let feedback = Feedback::read(&request(ssrc), VOICE, Some(9));
            (feedback.key_frame_wanted, feedback.screen_key_frame_wanted)
        };
        assert_eq!((wanted(1), wanted(9)), ((true, false), (false, true)));
    }

    #[test]
    fn the_newest_sender_report_of_each_stream_is_kept_and_taken_once() {
        let reports = SenderReports::default();
        for (ssrc, ntp) in [(1, 10), (2, 20), (1, 11)] {
            reports.keep(&sender_report(ssrc, ntp));
        }
        assert_eq!((reports.take(1), reports.take(1)), (Some((11, 5)), None));
        assert_eq!(reports.take(2), Some((20, 5)));
        for ssrc in 0..1000 {
            reports.keep(&sender_report(ssrc, 1));
        }
        assert!(reports.0.lock().len() <= MAX_STREAMS);
    }

    #[test]
    fn a_peers_loss_counts_as_long_as_its_connection() {
        let protection = Arc::new(Mutex::new(Protection::new()));
        let now = Instant::now();
        let voice = VoiceFeedback::new(&protection, VOICE, Understands::default());
        voice.loss(now, 0.4);
        assert!(protection.lock().plan(now, 2_000_000).expected_loss > 10);
        drop(voice);
        assert_eq!(protection.lock().plan(now, 2_000_000).expected_loss, 0);
    }
}
