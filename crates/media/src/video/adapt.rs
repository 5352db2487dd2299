//! What to give up when the machine or the path cannot keep up: of a camera's pictures first resolution, then
//! frames; of a screen's, on which there is text, first frames; never delay.
//!
//! Two controllers, both told the time, and one ladder. The processor's: how long a picture takes
//! from its capture to the end of its encoding, against the time there is. The path's: the share of
//! packets that the worst-off peer reports lost, after the loss-based controller of Google
//! Congestion Control (draft-ietf-rmcat-gcc-02, section 6).

use std::time::{Duration, Instant};

/// What the encoder is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Largest width in pixels.
    pub width_px: u32,
    /// Largest height in pixels.
    pub height_px: u32,
    /// Pictures per second at the most.
    pub fps: f32,
    /// Bits per second.
    pub bitrate_bps: u32,
}

/// What the worse of both controllers goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The machine is too slow.
    Processor,
    /// The path loses too much.
    Path,
}

/// Best first. Each step takes about 40 % less time to encode than the one before.
const CAMERA: &[Step] = &[
    step(1280, 720, 30, 2_000_000),
    step(960, 540, 30, 1_200_000),
    step(640, 360, 30, 700_000),
    step(640, 360, 20, 550_000),
    step(480, 270, 20, 350_000),
    step(480, 270, 15, 280_000),
    step(320, 180, 15, 160_000),
];

/// The same for a screen: its size is the last that is given up.
const SCREEN: &[Step] = &[
    step(1920, 1080, 30, 2_500_000),
    step(1920, 1080, 20, 2_000_000),
    step(1920, 1080, 15, 1_700_000),
    step(1920, 1080, 10, 1_300_000),
    step(1920, 1080, 5, 800_000),
    step(1280, 720, 5, 500_000),
    step(1280, 720, 2, 250_000),
];

const fn step(width_px: u32, height_px: u32, fps: u32, bitrate_bps: u32) -> Step {
    Step { width_px, height_px, fps: fps as f32, bitrate_bps }
}

/// The least that is still a picture.
const MIN_BITRATE_BPS: f64 = 100_000.0;
/// Share of the time between two pictures that may pass before one is encoded.
const OVERUSE: f64 = 0.85;
/// Below this share, a better step is tried.
const UNDERUSE: f64 = 0.45;
/// How long a machine has to be too slow before a step down, and at ease before a step up.
const DOWN_AFTER: Duration = Duration::from_millis(400);
const UP_AFTER: Duration = Duration::from_secs(4);
/// A step up that had to be taken back is tried again only after this long, doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(15);
const RETRY_LONGEST: Duration = Duration::from_secs(240);

/// Decides on the [`Step`].
#[derive(Debug)]
pub struct Adaptation {
    ladder: &'static [Step],
    /// Position on the ladder that the processor allows.
    rung: usize,
    /// Exponentially weighted mean of used time over available time.
    load: f64,
    over_since: Option<Instant>,
    under_since: Option<Instant>,
    last_up: Option<Instant>,
    retry_after: Duration,
    not_before: Option<Instant>,
    /// What the path allows, in bits per second.
    path_bps: f64,
    last_loss: Option<Instant>,
}

impl Default for Adaptation {
    fn default() -> Self {
        Self::new()
    }
}

impl Adaptation {
    /// For a camera's pictures; starts with the best.
    pub fn new() -> Self {
        Self::on(CAMERA)
    }

    /// For a screen's pictures; starts with the best.
    pub fn of_screen() -> Self {
        Self::on(SCREEN)
    }

    fn on(ladder: &'static [Step]) -> Self {
        Self {
            ladder,
            rung: 0,
            load: 0.0,
            over_since: None,
            under_since: None,
            last_up: None,
            retry_after: RETRY_FIRST,
            not_before: None,
            path_bps: f64::from(ladder[0].bitrate_bps),
            last_loss: None,
        }
    }

    /// What keeps pictures from being as large and as many as they could be.
    pub fn limit(&self) -> Option<Limit> {
        let by_path = self.path_rung();
        match self.rung.max(by_path) {
            0 => None,
            _ if self.rung >= by_path => Some(Limit::Processor),
            _ => Some(Limit::Path),
        }
    }

    fn path_rung(&self) -> usize {
        let fits = |step: &Step| f64::from(step.bitrate_bps) * 0.6 <= self.path_bps;
        self.ladder.iter().position(fits).unwrap_or(self.ladder.len() - 1)
    }

    /// What to encode now: the processor's rung, or a lower one where the path has no room for it.
    pub fn step(&self) -> Step {
        let ladder = self.ladder;
        let mut step = ladder[self.rung.max(self.path_rung()).min(ladder.len() - 1)];
        step.bitrate_bps = f64::from(step.bitrate_bps).min(self.path_bps) as u32;
        step
    }

    /// A picture captured at `captured` was begun at `start` and done at `now`.
    pub fn encoded(&mut self, now: Instant, captured: Instant, start: Instant) {
        let available = 1.0 / f64::from(self.ladder[self.rung].fps);
        // Waiting counts as much as working: with too many threads for the cores, it is the waiting
        // that grows.
        let waited = start.saturating_duration_since(captured).as_secs_f64();
        let worked = now.saturating_duration_since(start).as_secs_f64();
        let sample = ((waited + worked) / available).min(4.0);
        self.load += (sample - self.load) * 0.12;

        if self.load > OVERUSE {
            self.under_since = None;
            let since = *self.over_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= DOWN_AFTER {
                self.step_down(now);
            }
        } else if self.load < UNDERUSE {
            self.over_since = None;
            let since = *self.under_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= UP_AFTER && self.not_before.is_none_or(|t| now >= t) {
                self.step_up(now);
            }
        } else {
            self.over_since = None;
            self.under_since = None;
        }
    }

    fn step_down(&mut self, now: Instant) {
        if self.rung + 1 < self.ladder.len() {
            self.rung += 1;
        }
        let failed_try =
            self.last_up.is_some_and(|up| now.saturating_duration_since(up) < Duration::from_secs(10));
        if failed_try {
            self.retry_after = (self.retry_after * 2).min(RETRY_LONGEST);
        }
        self.not_before = Some(now + self.retry_after);
        self.over_since = None;
        self.load = (OVERUSE + UNDERUSE) / 2.0; // measured anew at the new size
    }

    fn step_up(&mut self, now: Instant) {
        if self.rung > 0 {
            self.rung -= 1;
            self.last_up = Some(now);
        }
        self.under_since = None;
    }

    /// The worst-off peer reports this share of packets lost, 0 to 1, about once a second.
    pub fn loss(&mut self, now: Instant, fraction: f64) {
        // Several peers report within one interval: each of them alone must not push the rate twice.
        let due = self
            .last_loss
            .is_none_or(|last| now.saturating_duration_since(last) >= Duration::from_millis(300));
        if fraction > 0.10 && due {
            self.path_bps *= 1.0 - 0.5 * fraction.min(1.0);
        } else if fraction < 0.02 && due {
            self.path_bps *= 1.05;
        } else {
            return;
        }
        self.last_loss = Some(now);
        self.path_bps = self.path_bps.clamp(MIN_BITRATE_BPS, f64::from(self.ladder[0].bitrate_bps));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes `seconds` of pictures that each wait `waited_ms` and take `worked_ms`.
    fn run(adaptation: &mut Adaptation, now: &mut Instant, seconds: f64, waited_ms: u64, worked_ms: u64) {
        let end = *now + Duration::from_secs_f64(seconds);
        while *now < end {
            let captured = *now;
            let start = captured + Duration::from_millis(waited_ms);
            adaptation.encoded(start + Duration::from_millis(worked_ms), captured, start);
            *now += Duration::from_secs_f32(1.0 / adaptation.step().fps);
        }
    }

    #[test]
    fn a_machine_at_ease_keeps_the_best_picture() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        run(&mut adaptation, &mut now, 60.0, 1, 10);
        assert_eq!(adaptation.step(), CAMERA[0]);
    }

    #[test]
    fn a_machine_that_cannot_keep_up_gives_up_resolution_within_two_seconds() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        run(&mut adaptation, &mut now, 2.0, 20, 30);
        assert!(adaptation.step().width_px < 1280);
        run(&mut adaptation, &mut now, 20.0, 60, 60);
        assert_eq!(adaptation.step(), CAMERA[CAMERA.len() - 1]);
    }

    #[test]
    fn what_limits_the_picture_is_told_apart() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        assert_eq!(adaptation.limit(), None);
        for _ in 0..60 {
            now += Duration::from_secs(1);
            adaptation.loss(now, 0.4);
        }
        assert_eq!(adaptation.limit(), Some(Limit::Path));
        run(&mut adaptation, &mut now, 30.0, 200, 200);
        assert_eq!(adaptation.limit(), Some(Limit::Processor));
    }

    #[test]
    fn one_slow_picture_changes_nothing() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        run(&mut adaptation, &mut now, 5.0, 1, 10);
        run(&mut adaptation, &mut now, 0.03, 100, 100);
        run(&mut adaptation, &mut now, 5.0, 1, 10);
        assert_eq!(adaptation.step(), CAMERA[0]);
    }

    #[test]
    fn it_climbs_back_and_tries_less_often_when_that_fails() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        let mut ups = 0;
        let mut last = 0.0;
        // At the best step it is too slow, one below it is at ease.
        let end = now + Duration::from_secs(300);
        while now < end {
            let best = adaptation.step() == CAMERA[0];
            run(&mut adaptation, &mut now, 0.1, 1, if best { 40 } else { 8 });
            let fps_width = f64::from(adaptation.step().width_px);
            ups += u32::from(fps_width > last);
            last = fps_width;
        }
        assert!((2..=6).contains(&ups), "{ups} tries in five minutes");
    }

    #[test]
    fn loss_lowers_the_rate_and_a_clean_path_raises_it_again() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        for _ in 0..20 {
            now += Duration::from_secs(1);
            adaptation.loss(now, 0.3);
        }
        let low = adaptation.step();
        assert!(low.bitrate_bps < 200_000 && low.width_px < 640, "{low:?}");
        for _ in 0..100 {
            now += Duration::from_secs(1);
            adaptation.loss(now, 0.0);
        }
        assert_eq!(adaptation.step(), CAMERA[0]);
    }

    #[test]
    fn loss_between_two_and_ten_percent_keeps_the_rate() {
        let (mut adaptation, mut now) = (Adaptation::new(), Instant::now());
        for _ in 0..30 {
            now += Duration::from_secs(1);
            adaptation.loss(now, 0.05);
        }
        assert_eq!(adaptation.step(), CAMERA[0]);
    }

    #[test]
    fn a_screen_gives_up_frames_before_its_size() {
        let (mut adaptation, mut now) = (Adaptation::of_screen(), Instant::now());
        run(&mut adaptation, &mut now, 4.0, 40, 60);
        let step = adaptation.step();
        assert!(step.fps < 30.0 && (step.width_px, step.height_px) == (1920, 1080), "{step:?}");
        for _ in 0..30 {
            now += Duration::from_secs(1);
            adaptation.loss(now, 0.3);
        }
        assert!(adaptation.step().width_px < 1920, "a thin path carries no large picture at all");
    }
}
