use super::*;

type Frame = [f32; SAMPLES_10_MS];

const ECHO_ONLY: VoiceSettings = VoiceSettings { echo: EchoCancellation::On, noise: false, gain: false };

/// Noise that comes and goes four times a second, as syllables do.
struct Babble {
    state: u32,
    smooth: f32,
    index: u64,
}

impl Babble {
    fn new(seed: u32) -> Self {
        Self { state: seed, smooth: 0.0, index: 0 }
    }

    fn frame(&mut self, level: f32) -> Frame {
        std::array::from_fn(|_| {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (self.state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            self.smooth += 0.2 * (white - self.smooth);
            self.index += 1;
            let syllable = (self.index as f32 / 48_000.0 * 4.0 * std::f32::consts::TAU).sin().max(0.0);
            self.smooth * syllable * level
        })
    }
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

fn db(ratio: f32) -> f32 {
    10.0 * ratio.log10()
}

/// A room: the speaker's sound comes back after 30 ms and weaker.
struct Room {
    air: std::collections::VecDeque<f32>,
}

impl Room {
    fn new() -> Self {
        Self { air: std::iter::repeat_n(0.0, 1_440).collect() }
    }

    fn echo(&mut self, far: &Frame, gain: f32) -> Frame {
        self.air.extend(far);
        std::array::from_fn(|_| self.air.pop_front().unwrap_or_default() * gain)
    }
}

#[test]
fn the_echo_is_taken_out_and_the_voice_stays() {
    let mut processor = VoiceProcessor::new(ECHO_ONLY);
    let (mut far, mut near, mut room) = (Babble::new(1), Babble::new(2), Room::new());
    let (mut heard, mut left) = (0.0, 0.0);
    for index in 0..600 {
        let far = far.frame(0.8);
        let mut frame = room.echo(&far, 0.4);
        let before = energy(&frame);
        processor.process(&mut frame, Some(&far));
        if index >= 300 {
            heard += before;
            left += energy(&frame);
        }
    }
    assert!(db(heard / left) > 30.0, "echo lowered by {} dB", db(heard / left));
    assert_eq!(processor.stats().echo, EchoState::Cancelling);
    assert!((40..=64).contains(&(processor.stats().echo_delay_ms + 20)), "{:?}", processor.stats());
    // Only the near end now.
    let (mut said, mut sent) = (0.0, 0.0);
    for index in 0..300 {
        let mut frame = near.frame(0.5);
        let before = energy(&frame);
        processor.process(&mut frame, Some(&[0.0; SAMPLES_10_MS]));
        if index >= 50 {
            said += before;
            sent += energy(&frame);
        }
    }
    assert!(db(sent / said).abs() < 1.5, "voice changed by {} dB", db(sent / said));
}

#[test]
fn with_a_headset_the_sound_goes_round_the_canceller_until_an_echo_is_heard() {
    let settings = VoiceSettings { echo: EchoCancellation::Auto, ..ECHO_ONLY };
    let mut processor = VoiceProcessor::new(settings);
    let (mut far, mut near, mut room) = (Babble::new(1), Babble::new(2), Room::new());
    for _ in 0..2_000 {
        let mut frame = near.frame(0.5);
        let far = far.frame(0.8);
        room.echo(&far, 0.0);
        processor.process(&mut frame, Some(&far));
    }
    assert_eq!(processor.stats().echo, EchoState::Bypassed);
    // Round it means untouched, but for the filter bank and the high-pass filter.
    let (mut said, mut sent) = (0.0, 0.0);
    for _ in 0..300 {
        let mut frame = near.frame(0.5);
        said += energy(&frame);
        processor.process(&mut frame, Some(&far.frame(0.8)));
        sent += energy(&frame);
    }
    assert!(db(sent / said).abs() < 1.0, "voice changed by {} dB", db(sent / said));
    assert_eq!(processor.stats().echo, EchoState::Bypassed);
    // The headset is pulled out: the speaker is heard.
    let mut frames = 0;
    while processor.stats().echo == EchoState::Bypassed {
        let far = far.frame(0.8);
        let mut frame = room.echo(&far, 0.4);
        processor.process(&mut frame, Some(&far));
        frames += 1;
        assert!(frames < 200, "no echo noticed in two seconds");
    }
}

#[test]
fn the_way_round_the_canceller_is_as_long_as_the_way_through_it() {
    // A click through each.
    let click = |far: bool, echo: EchoCancellation| {
        let mut processor = VoiceProcessor::new(VoiceSettings { echo, ..ECHO_ONLY });
        let silence = [0.0; SAMPLES_10_MS];
        let mut out = Vec::new();
        for index in 0..40 {
            let mut frame = silence;
            if index == 30 {
                frame[100] = 0.5;
            }
            // Without a speaker from there on, it goes round for a while.
            processor.process(&mut frame, (far || index < 20).then_some(&silence));
            out.extend(frame);
        }
        let peak = out.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        peak.map(|(index, _)| index as i64 - 30 * SAMPLES_10_MS as i64 - 100)
    };
    let (through, around) = (click(true, EchoCancellation::On), click(false, EchoCancellation::On));
    let (Some(through), Some(around)) = (through, around) else { panic!("no click") };
    assert!((through - around).abs() <= 3, "{through} samples through, {around} around");
    assert!((200..=480).contains(&through), "{through} samples late");
}

#[test]
fn with_everything_off_nothing_is_changed_and_nothing_is_late() {
    let mut processor = VoiceProcessor::new(VoiceSettings::NOTHING);
    let mut babble = Babble::new(3);
    for _ in 0..20 {
        let frame = babble.frame(0.5);
        let mut processed = frame;
        processor.process(&mut processed, Some(&frame));
        assert_eq!(processed, frame);
    }
    assert_eq!(processor.stats(), VoiceStats::default());
}

#[test]
fn where_there_is_no_noise_to_suppress_the_voice_is_left_as_it_is() {
    let settings = |noise| VoiceSettings { echo: EchoCancellation::Auto, noise, gain: false };
    let (mut with, mut without) = (VoiceProcessor::new(settings(true)), VoiceProcessor::new(settings(false)));
    let (mut babble, mut touched, mut plain) = (Babble::new(3), Vec::new(), Vec::new());
    let mut late = usize::MAX;
    for index in 0..1_000 {
        if index == 200 {
            late = (with.delay() - without.delay()).as_millis() as usize * 48;
        }
        let frame = babble.frame(0.5);
        for (processor, heard) in [(&mut with, &mut touched), (&mut without, &mut plain)] {
            let mut frame = frame;
            processor.process(&mut frame, None);
            heard.extend_from_slice(&frame);
        }
    }
    assert_eq!(with.delay(), without.delay(), "once there was nothing to suppress for a while");
    // Once it knows the room; and when it has been forgotten.
    for (from, to, late) in [(200, 300, late), (600, 1_000, 0)] {
        let (from, to) = (from * SAMPLES_10_MS, to * SAMPLES_10_MS);
        let (touched, plain) = (&touched[from + late..to], &plain[from..to - late]);
        let changed: f32 = touched.iter().zip(plain).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(db(energy(plain) / changed) > 60.0, "changed by {} dB", db(changed / energy(plain)));
    }
}

#[test]
fn steady_noise_is_lowered_and_a_voice_over_it_is_not() {
    let mut processor = VoiceProcessor::new(VoiceSettings { noise: true, ..VoiceSettings::NOTHING });
    let mut state = 9_u32;
    let mut hiss = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * 0.01
    };
    let (mut before, mut after) = (0.0, 0.0);
    for index in 0..600 {
        let mut frame: Frame = std::array::from_fn(|_| hiss());
        let heard = energy(&frame);
        processor.process(&mut frame, None);
        if index > 400 {
            before += heard;
            after += energy(&frame);
        }
    }
    assert!(db(before / after) > 8.0, "noise lowered by {} dB", db(before / after));
    let mut babble = Babble::new(4);
    let (mut before, mut after) = (0.0, 0.0);
    for _ in 0..200 {
        let mut frame = babble.frame(0.5);
        frame.iter_mut().for_each(|sample| *sample += hiss());
        before += energy(&frame);
        processor.process(&mut frame, None);
        after += energy(&frame);
    }
    assert!(db(before / after) < 2.0, "voice lowered by {} dB", db(before / after));
}

#[test]
fn whatever_comes_in_numbers_within_bounds_go_out() {
    let mut processor =
        VoiceProcessor::new(VoiceSettings { echo: EchoCancellation::On, ..Default::default() });
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e30, 1e-40, 0.0, 1.0];
    let mut babble = Babble::new(5);
    for index in 0..500_usize {
        let mut frame: Frame = std::array::from_fn(|sample| bad[(sample * 7 + index) % bad.len()]);
        let far = if index % 3 == 0 { [1.0; SAMPLES_10_MS] } else { babble.frame(1.0) };
        processor.process(&mut frame, (index % 50 != 0).then_some(&far));
        assert!(frame.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
    }
    assert_eq!(processor.stats().panics, 0);
    // And it is well again afterwards.
    let (mut said, mut sent) = (0.0, 0.0);
    for index in 0..600 {
        let mut frame = babble.frame(0.5);
        let before = energy(&frame);
        processor.process(&mut frame, Some(&[0.0; SAMPLES_10_MS]));
        if index > 300 {
            said += before;
            sent += energy(&frame);
        }
    }
    assert!(db(sent / said) > -6.0, "{} dB", db(sent / said));
}

#[test]
fn settings_can_change_while_it_runs() {
    let mut processor = VoiceProcessor::new(VoiceSettings::default());
    let mut babble = Babble::new(6);
    for index in 0..800 {
        if index % 10 == 0 {
            let bits = index / 10;
            let echo = match bits % 3 {
                0 => EchoCancellation::Auto,
                1 => EchoCancellation::On,
                _ => EchoCancellation::Off,
            };
            processor.set(VoiceSettings { echo, noise: bits & 1 == 0, gain: bits & 2 == 0 });
        }
        let mut frame = babble.frame(0.3);
        processor.process(&mut frame, Some(&[0.0; SAMPLES_10_MS]));
        assert!(energy(&frame).is_finite());
    }
    assert_eq!(processor.stats().panics, 0);
}

#[test]
fn it_says_by_how_much_its_output_is_behind_its_input() {
    let settings = |echo, noise| VoiceSettings { echo, noise, gain: false };
    for (echo, noise, speaker) in [
        (EchoCancellation::Off, false, true),
        (EchoCancellation::Off, true, true),
        (EchoCancellation::Auto, false, true),
        (EchoCancellation::Auto, false, false),
        (EchoCancellation::On, true, true),
    ] {
        let mut processor = VoiceProcessor::new(settings(echo, noise));
        let mut babble = Babble::new(3);
        let (mut said, mut sent) = (Vec::new(), Vec::new());
        for index in 0..200 {
            let mut frame = babble.frame(0.3);
            let heard = frame;
            processor.process(&mut frame, speaker.then_some(&[0.0; SAMPLES_10_MS]));
            if index >= 100 {
                said.extend(heard);
                sent.extend(frame);
            }
        }
        let likeness = |late: &usize| {
            let product = |(said, sent): (&f32, &f32)| f64::from(said * sent);
            said.iter().zip(&sent[*late..]).map(product).sum::<f64>()
        };
        let late = (0..1_000).max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap();
        let told = (processor.delay().as_secs_f64() * 48_000.0) as usize;
        assert!(late.abs_diff(told) < 48, "{echo:?}, {noise}, {speaker}: {late} samples, told {told}");
    }
}
