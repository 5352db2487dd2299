//! When the speaker's next sound is made: as late as can be, since all that waits is delay, and as early as
//! this machine's threads and the speaker's own pace ask for. Told the time; refuses to know what is played.

use std::time::{Duration, Instant};

use maru_media::audio::{SAMPLE_RATE_HZ, SAMPLES_10_MS};

/// Until the speaker has taken anything, so much waits for it.
const FIRST_LEVEL: usize = SAMPLES_10_MS * 2;
/// Blocks that say how a speaker takes its sound.
const BLOCKS: usize = 16;
/// What sound is to be early beyond what was late lately.
const MARGIN: Duration = Duration::from_millis(2);
/// Until that is known it is taken for this.
const FIRST_LATENESS: Duration = Duration::from_millis(4);
/// Longer delays of our own are not worth waiting for all the time.
const CUSHION_LIMIT: Duration = Duration::from_millis(30);
/// How long something late is remembered: so many spans of this length.
const SPAN: Duration = Duration::from_secs(2);
const SPANS: usize = 8;

/// What to do for the speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Make sound now.
    Now,
    /// Make sound then, unless the speaker takes some before.
    At(Instant),
    /// There is enough until the speaker takes some.
    Enough,
}

/// What is known of one speaker, and of how punctual we are.
pub(super) struct Pace {
    /// The last blocks that it took, in samples.
    blocks: [usize; BLOCKS],
    count: usize,
    /// When it took the last one.
    taken: Option<Instant>,
    /// When sound was to be made.
    due: Option<Instant>,
    /// The speaker has taken nothing for long.
    stalled: bool,
    /// The worst of each of the last spans, and where they are counted from.
    late: [Duration; SPANS],
    span: u64,
    since: Instant,
}

impl Pace {
    /// Of a speaker that was just opened.
    pub fn new(now: Instant) -> Self {
        let mut late = [Duration::ZERO; SPANS];
        late[SPANS - 2..].fill(FIRST_LATENESS);
        Self {
            blocks: [0; BLOCKS],
            count: 0,
            taken: None,
            due: None,
            stalled: false,
            late,
            span: 0,
            since: now,
        }
    }

    /// What to do when so many samples wait for a speaker that took so many, then.
    pub fn next(&mut self, now: Instant, taken: Option<(usize, Instant)>, filled: usize) -> Next {
        let Some((block, at)) = taken else {
            return if filled < FIRST_LEVEL { Next::Now } else { Next::Enough };
        };
        if self.taken != Some(at) {
            self.took(now, block, at);
        }
        let (largest, interval) = self.blocks();
        // It will be served so often, and then it lacks something.
        let served = (filled / largest) as u32;
        let lacks = interval * (served + 1);
        let early = lacks.saturating_sub(self.cushion());
        if early > interval {
            return Next::Enough;
        }
        let due = at + early;
        self.due = Some(due);
        if due <= now { Next::Now } else { Next::At(due) }
    }

    /// Sound was made, and is the speaker's.
    pub fn made(&mut self, now: Instant) {
        if let Some(due) = self.due.take() {
            // What was due before the speaker took the last block could not be made before.
            let due = self.taken.map_or(due, |taken| due.max(taken));
            self.remember(now, now.saturating_duration_since(due));
        }
    }

    /// A speaker that takes nothing says nothing of how punctual we are.
    pub fn stalled(&mut self) {
        self.due = None;
        self.stalled = true;
    }

    fn took(&mut self, now: Instant, block: usize, at: Instant) {
        let due = self.due.take();
        if let Some(before) = self.taken.filter(|_| !std::mem::take(&mut self.stalled)) {
            let interval = self.blocks().1;
            let expected = before + interval;
            // Where blocks were taken that we did not see, we should have been there for the first.
            let seen = if at > expected + interval / 2 { expected } else { at };
            self.remember(now, now.saturating_duration_since(due.map_or(seen, |due| due.min(seen))));
            self.remember(now, expected.saturating_duration_since(at));
        }
        self.taken = Some(at);
        self.blocks[self.count % BLOCKS] = block.max(1);
        self.count = if self.count + 1 == 2 * BLOCKS { BLOCKS } else { self.count + 1 };
    }

    /// The largest of the last blocks, and the mean time that one of them lasts.
    fn blocks(&self) -> (usize, Duration) {
        let known = &self.blocks[..self.count.min(BLOCKS)];
        let largest = known.iter().copied().max().unwrap_or(FIRST_LEVEL);
        let sum: usize = known.iter().sum();
        let per_second = known.len().max(1) as f64 * f64::from(SAMPLE_RATE_HZ);
        (largest, Duration::from_secs_f64(sum as f64 / per_second))
    }

    /// How long before the speaker lacks it sound is made. What was late once is not worth waiting for all
    /// the time, only what is again and again.
    fn cushion(&self) -> Duration {
        let (mut worst, mut next) = (Duration::ZERO, Duration::ZERO);
        for late in self.late {
            next = next.max(late.min(worst));
            worst = worst.max(late);
        }
        (next + MARGIN).min(CUSHION_LIMIT)
    }

    fn remember(&mut self, now: Instant, late: Duration) {
        let span = (now.saturating_duration_since(self.since).as_nanos() / SPAN.as_nanos()) as u64;
        for passed in (self.span + 1..=span).rev().take(SPANS) {
            self.late[(passed % SPANS as u64) as usize] = Duration::ZERO;
        }
        self.span = self.span.max(span);
        let place = &mut self.late[(span % SPANS as u64) as usize];
        *place = late.max(*place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A speaker in virtual time that takes blocks of so many samples, and a thread that serves it.
    struct Simulation {
        block: usize,
        /// By how much the nth block is taken later than its time, and the thread wakes late the nth time.
        jitter: fn(usize) -> Duration,
        late: fn(usize) -> Duration,
    }

    struct Simulated {
        /// When the speaker found too little, in ms.
        underruns: Vec<u128>,
        /// How long samples waited in the second half, at most, in ms.
        waits_ms: f64,
    }

    impl Simulation {
        fn run(&self, length: Duration) -> Simulated {
            let start = Instant::now();
            let mut pace = Pace::new(start);
            let mut result = Simulated { underruns: Vec::new(), waits_ms: 0.0 };
            let (mut taken, mut filled, mut takes, mut wakes) = (None, 0_usize, 0, 0);
            let block = Duration::from_secs_f64(self.block as f64 / 48_000.0);
            let takes_at = |number: usize| start + block * (number as u32 + 3) + (self.jitter)(number);
            let mut now = start;
            while now < start + length {
                let event = match pace.next(now, taken, filled) {
                    Next::Now => {
                        filled += SAMPLES_10_MS;
                        pace.made(now);
                        if now > start + length / 2 {
                            let waits = (takes_at(takes) - now).as_secs_f64() * 1e3;
                            result.waits_ms = result.waits_ms.max(waits + filled as f64 / 48.0 - 10.0);
                        }
                        continue;
                    }
                    Next::At(due) => due.min(takes_at(takes)),
                    Next::Enough => takes_at(takes),
                };
                now = event + (self.late)(wakes);
                wakes += 1;
                while takes_at(takes) <= now {
                    if filled < self.block {
                        result.underruns.push((takes_at(takes) - start).as_millis());
                    }
                    filled = filled.saturating_sub(self.block);
                    taken = Some((self.block, takes_at(takes)));
                    takes += 1;
                }
            }
            result
        }
    }

    fn none(_: usize) -> Duration {
        Duration::ZERO
    }

    #[test]
    fn with_punctual_threads_sound_is_made_just_before_it_is_taken() {
        let simulation =
            |block| Simulation { block, jitter: none, late: |_| Duration::from_micros(200) }.run(60 * SECOND);
        for (block, limit_ms) in [(480, 4.0), (128, 14.0), (441, 14.0), (1024, 25.0), (3840, 76.0)] {
            let simulated = simulation(block);
            let later = simulated.underruns.iter().filter(|at| **at > 400).count();
            assert_eq!(later, 0, "blocks of {block}: {:?}", simulated.underruns);
            assert!(simulated.waits_ms <= limit_ms, "blocks of {block}: {} ms", simulated.waits_ms);
        }
    }

    #[test]
    fn where_threads_or_the_speaker_are_late_sound_is_made_earlier() {
        let late: fn(usize) -> Duration =
            |number| Duration::from_millis(if number % 97 == 50 { 12 } else { 0 });
        for (jitter, late) in [(none as fn(usize) -> Duration, late), (late, none)] {
            let simulated = Simulation { block: 480, jitter, late }.run(60 * SECOND);
            let learnt = simulated.underruns.iter().filter(|at| **at > 3_000).count();
            assert_eq!(learnt, 0, "{:?}", simulated.underruns);
            assert!((8.0..30.0).contains(&simulated.waits_ms), "{} ms", simulated.waits_ms);
        }
    }

    #[test]
    fn what_is_late_once_changes_nothing() {
        let late: fn(usize) -> Duration =
            |number| Duration::from_millis(if number == 4_000 { 25 } else { 0 });
        let simulated = Simulation { block: 480, jitter: none, late }.run(60 * SECOND);
        assert!(simulated.underruns.len() <= 4, "{:?}", simulated.underruns);
        assert!(simulated.waits_ms < 4.0, "{} ms", simulated.waits_ms);
    }

    #[test]
    fn a_speaker_that_takes_nothing_is_not_filled_for_good() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.next(start, None, 0), Next::Now);
        assert_eq!(pace.next(start, None, FIRST_LEVEL), Next::Enough);
        let taken = Some((480, start));
        assert!(matches!(pace.next(start, taken, 0), Next::At(_)));
        let later = start + SECOND;
        assert_eq!(pace.next(later, taken, 0), Next::Now);
        assert_eq!(pace.next(later, taken, 2 * 480), Next::Enough);
        pace.stalled();
        // Its pauses are its fault, not ours, however many there are.
        for pause in 1..4 {
            let taken = Some((480, later + SECOND * pause));
            pace.next(later + SECOND * pause, taken, 2 * 480);
            assert!(pace.cushion() < Duration::from_millis(10), "{:?}", pace.cushion());
            pace.stalled();
        }
    }
}
