//! A sound on the chosen speaker, for a person who wants to know whether it works: opens the speaker where
//! there is no call, and closes it again.

use std::time::{Duration, Instant};

use maru_media::DeviceKind;

use super::Actor;

/// A speaker that has not played the sound by then will not.
const LIMIT: Duration = Duration::from_secs(10);
/// What the system still plays when the last of the sound was handed over.
const TAIL: Duration = Duration::from_millis(500);

/// How far it is.
pub(super) struct SpeakerTest {
    phase: Phase,
    /// When it ends at the latest.
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The speaker is being opened.
    Opening,
    /// The sound is being handed over.
    Playing,
    /// The rest of it is being heard.
    Fading,
}

impl Actor {
    pub(super) fn test_speaker(&mut self) {
        if self.speaker_test.is_some() {
            return;
        }
        self.speaker_test = Some(SpeakerTest { phase: Phase::Opening, until: Instant::now() + LIMIT });
        self.selection.test_speaker(true);
        self.play_speaker_test();
    }

    /// Plays the sound, once there is something to play it on.
    pub(super) fn play_speaker_test(&mut self) {
        if let Some(test) = &mut self.speaker_test
            && test.phase == Phase::Opening
            && self.selection.is_open(DeviceKind::Speaker)
        {
            test.phase = Phase::Playing;
            self.media.playout.play_chime();
        }
    }

    /// Ends a test that is over; true when one was.
    pub(super) fn end_speaker_test(&mut self, now: Instant) -> bool {
        let Some(test) = &mut self.speaker_test else { return false };
        if test.phase == Phase::Playing && !self.media.playout.is_chiming() {
            test.phase = Phase::Fading;
            test.until = test.until.min(now + TAIL);
        }
        let impossible = test.phase == Phase::Opening && !self.selection.wants(DeviceKind::Speaker);
        if now < test.until && !impossible {
            return false;
        }
        self.speaker_test = None;
        self.media.playout.end_chime();
        self.selection.test_speaker(false);
        true
    }
}
