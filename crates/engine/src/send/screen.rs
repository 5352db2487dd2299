//! The screen's encoder thread. A camera's pictures come at an even pace, a screen's only when something on it
//! changes: the last one of them is sent however soon after another it came, and again while nothing changes,
//! first to make it sharp, then so that what was lost heals and newcomers see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use maru_media::video::adapt::Adaptation;
use maru_media::video::codec::Content;
use maru_media::{FramePool, LatestFrame, VideoFrame};
use parking_lot::Mutex;

use super::fanout::Fanout;
use super::video::{Encoding, Outcome, VideoSendStats, WAKE};

/// A still picture is sent again so many times in quick succession, each time sharper, ...
const REFINEMENTS: u32 = 12;
const REFINE_EVERY: Duration = Duration::from_millis(150);
/// ... and after that this often.
const REPEAT_EVERY: Duration = Duration::from_millis(900);
/// How soon a wish for a key frame is looked at while nothing changes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Says when the newest picture is to be sent; it is told the time.
#[derive(Debug, Default)]
struct Schedule {
    /// The newest picture was not sent yet.
    waiting: bool,
    last: Option<Instant>,
    repeats: u32,
}

impl Schedule {
    /// There is a newer picture.
    fn changed(&mut self) {
        self.waiting = true;
        self.repeats = 0;
    }

    /// When the newest picture is due, at `fps` pictures a second at the most.
    fn due(&self, fps: f32) -> Option<Instant> {
        let every = if self.waiting {
            shortest(fps)
        } else if self.repeats < REFINEMENTS {
            REFINE_EVERY
        } else {
            REPEAT_EVERY
        };
        Some(self.last? + every)
    }

    /// It was tried to send it.
    fn tried(&mut self, now: Instant, outcome: Outcome) {
        self.last = Some(now);
        if let Outcome::Sent { key } = outcome {
            let first = std::mem::take(&mut self.waiting);
            // Who waited for a picture that stands alone has not seen the ones that made it sharp.
            self.repeats = if first || key { 0 } else { self.repeats.saturating_add(1) };
        }
    }

    /// Whether so much time has passed that a picture can be sent that somebody waits for.
    fn has_room(&self, now: Instant, fps: f32) -> bool {
        self.last.is_none_or(|last| now >= last + shortest(fps))
    }
}

/// From picture to picture, with a quarter of an interval to spare.
fn shortest(fps: f32) -> Duration {
    Duration::from_secs_f32(0.75 / fps.max(1.0))
}

/// Where the pictures of what is shared come from: each share has a slot of its own, so that nothing of an
/// earlier one can get among its pictures.
pub(crate) struct Capture {
    current: Mutex<Arc<LatestFrame>>,
    closed: AtomicBool,
}

impl Default for Capture {
    fn default() -> Self {
        Self { current: Mutex::new(LatestFrame::new()), closed: AtomicBool::new(false) }
    }
}

impl Capture {
    /// From now on there is nothing but what comes into this slot; while it is empty, nothing is shared.
    pub fn switch(&self, to: Arc<LatestFrame>) {
        let old = std::mem::replace(&mut *self.current.lock(), to);
        old.close();
    }

    /// Ends the encoder's thread.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.current.lock().close();
    }

    fn current(&self) -> Arc<LatestFrame> {
        Arc::clone(&self.current.lock())
    }
}

/// Runs until `capture` is closed.
pub(crate) fn run(
    capture: &Capture,
    fanout: &Fanout,
    adaptation: &Mutex<Adaptation>,
    stats: &Arc<VideoSendStats>,
) {
    let mut slot = capture.current();
    let mut reader = slot.reader();
    let mut encoding = Encoding::new(Content::Screen, fanout, adaptation, stats);
    let mut schedule = Schedule::default();
    let pool = FramePool::new();
    let mut last_time: Option<Instant> = None;
    let mut wait = WAKE;
    while !capture.closed.load(Ordering::Acquire) {
        if reader.wait(wait).is_some() {
            schedule.changed();
        }
        let current = capture.current();
        if !Arc::ptr_eq(&slot, &current) {
            slot = current;
            reader = slot.reader();
            schedule = Schedule::default();
            continue;
        }
        let newest = slot.peek().filter(|_| encoding.is_watched());
        let Some(newest) = newest else {
            encoding.release();
            schedule = Schedule::default();
            wait = WAKE;
            continue;
        };
        let (now, fps) = (Instant::now(), encoding.fps());
        let due = schedule.due(fps);
        let hurry = encoding.key_frame_due(now) && schedule.has_room(now, fps);
        if due.is_some_and(|due| now < due) && !hurry {
            wait = due.map_or(LOOK_EVERY, |due| (due - now).min(LOOK_EVERY));
            continue;
        }
        // Time goes on in the stream, also where the picture does not.
        let after_last = last_time.map(|last| last + Duration::from_millis(1));
        let time = if schedule.waiting { newest.captured() } else { now };
        let time = after_last.map_or(time, |after| time.max(after));
        let outcome = if time == newest.captured() {
            encoding.picture(&newest)
        } else {
            encoding.picture(&at(&newest, time, &pool))
        };
        last_time = Some(time);
        schedule.tried(now, outcome);
        // Without an encoder, out of memory most likely: do not spin.
        wait = if outcome == Outcome::NoEncoder { WAKE } else { Duration::ZERO };
    }
}

/// The same picture at another time.
fn at(picture: &VideoFrame, time: Instant, pool: &FramePool) -> VideoFrame {
    let mut copy = pool.take(picture.width_px(), picture.height_px(), time);
    for (to, from) in copy.planes_mut().into_iter().zip(picture.planes()) {
        to.copy_from_slice(from);
    }
    copy
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SENT: Outcome = Outcome::Sent { key: false };

    #[test]
    fn the_first_picture_is_due_at_once_and_a_change_as_soon_as_the_rate_allows() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.changed();
        assert_eq!(schedule.due(30.0), None);
        schedule.tried(now, SENT);
        schedule.changed();
        assert_eq!((schedule.due(5.0).unwrap() - now).as_millis(), 150);
    }

    #[test]
    fn a_still_picture_is_refined_and_then_repeated_each_second() {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        schedule.changed();
        schedule.tried(now, SENT);
        let mut gaps = Vec::new();
        for _ in 0..REFINEMENTS + 2 {
            let due = schedule.due(30.0).unwrap();
            gaps.push(due - now);
            now = due;
            schedule.tried(now, SENT);
        }
        assert!(gaps[..REFINEMENTS as usize].iter().all(|gap| *gap == REFINE_EVERY), "{gaps:?}");
        assert!(gaps[REFINEMENTS as usize..].iter().all(|gap| *gap == REPEAT_EVERY), "{gaps:?}");
    }

    #[test]
    fn a_picture_that_the_encoder_left_out_is_tried_again() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.changed();
        schedule.tried(now, Outcome::LeftOut);
        assert!(schedule.waiting);
        assert!(schedule.due(30.0).unwrap() < now + REFINE_EVERY);
    }

    #[test]
    fn a_newcomer_at_a_still_picture_gets_it_sharp_as_soon_as_the_others_did() {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        schedule.changed();
        for _ in 0..REFINEMENTS + 2 {
            now = schedule.due(30.0).unwrap_or(now);
            schedule.tried(now, SENT);
        }
        assert_eq!(schedule.due(30.0), Some(now + REPEAT_EVERY));
        assert!(schedule.has_room(now + Duration::from_millis(50), 30.0));
        schedule.tried(now, Outcome::Sent { key: true });
        assert_eq!(schedule.due(30.0), Some(now + REFINE_EVERY));
        assert!(!schedule.has_room(now + Duration::from_millis(5), 30.0));
    }
}
