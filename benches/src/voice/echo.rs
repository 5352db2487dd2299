//! Echo cancellation: a speaker, a room and a microphone in virtual time, with clocks of their own,
//! and with the same rings, time stamps and processor as in a call.

use std::time::{Duration, Instant};

use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::ring::ring;
use maru_media::voice::far_end::{FarFrame, far_end};
use maru_media::voice::{EchoCancellation, EchoState, VoiceProcessor, VoiceSettings};

use super::signal::{Random, at_level, convolve, db, energy, kept, resample};
use super::speech::Speech;

const RATE: usize = 48_000;
const FRAME: Duration = Duration::from_millis(10);
/// Only the far end speaks until here, …
const DOUBLE_TALK: usize = 14 * RATE;
/// … then both do, until here.
const END: usize = 28 * RATE;
/// Where the speaker begins to buffer more, in scenarios in which it does.
const JUMP: usize = 6 * RATE;
/// How long the canceller has until it is measured.
const SETTLE: usize = 3 * RATE;
/// Buffers of the devices.
const SPEAKER_LATENCY: Duration = Duration::from_millis(30);
const MICROPHONE_LATENCY: Duration = Duration::from_millis(15);

/// One situation.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// How long the room rings (to −60 dB), in seconds; 0: no echo path at all, as with a headset.
    reverberation: f64,
    /// The microphone's clock against the speaker's.
    drift_ppm: f64,
    /// Whether the speaker's delay grows by 100 ms in the middle.
    jump: bool,
    /// Whether devices tell their delays.
    told: bool,
    /// How much louder the voice is than the echo, in dB.
    near_over_echo_db: f64,
}

/// What came of it.
pub struct Measured {
    /// Echo return loss enhancement; `None` where there is no echo.
    pub erle_db: Option<f64>,
    /// The voice's energy before, by that after, while both speak.
    pub near_loss_db: f64,
    /// Share of the time that both spoke in which the sound went round the canceller.
    pub bypassed: f64,
}

const ROOM: Scenario = Scenario {
    name: "a small office",
    reverberation: 0.25,
    drift_ppm: 0.0,
    jump: false,
    told: true,
    near_over_echo_db: 6.0,
};

/// All of them.
pub const SCENARIOS: [Scenario; 9] = [
    ROOM,
    Scenario { name: "a living room", reverberation: 0.5, ..ROOM },
    Scenario { name: "echo as loud as the voice", near_over_echo_db: 0.0, ..ROOM },
    Scenario { name: "80 ppm drift", drift_ppm: 80.0, ..ROOM },
    Scenario { name: "80 ppm drift, devices tell no delay", drift_ppm: 80.0, told: false, ..ROOM },
    Scenario { name: "delay jumps by 100 ms", jump: true, ..ROOM },
    Scenario { name: "delay jumps by 100 ms, untold", jump: true, told: false, ..ROOM },
    Scenario { name: "both, told", jump: true, drift_ppm: -80.0, ..ROOM },
    Scenario { name: "a headset", reverberation: 0.0, ..ROOM },
];

/// A room's response: the way straight, a few walls, a tail that fades.
fn room(reverberation: f64) -> Vec<f32> {
    let mut random = Random::new(7);
    let mut response = vec![0.0_f64; (reverberation * RATE as f64) as usize + RATE / 50];
    let direct = RATE / 500; // 2 ms: 70 cm
    response[direct] = 1.0;
    for wall in 0..8 {
        let late = direct + 60 + (random.unit() * 1_400.0) as usize;
        if let Some(sample) = response.get_mut(late) {
            *sample += random.signed() * 0.5 / f64::from(wall + 1).sqrt();
        }
    }
    for (index, sample) in response.iter_mut().enumerate().skip(direct + 240) {
        let seconds = (index - direct) as f64 / RATE as f64;
        *sample += random.signed() * 0.05 * (-6.9 * seconds / reverberation).exp();
    }
    response.iter().map(|sample| *sample as f32).collect()
}

/// Sound of at least this length, repeated.
fn looped(sound: &[f32], count: usize) -> Vec<f32> {
    sound.iter().copied().cycle().take(count).collect()
}

/// Measures one situation.
pub fn measure(scenario: Scenario, speech: &Speech) -> Measured {
    let far = looped(&speech.far, END);
    // In the air: what the speaker plays, where its buffer grew with a gap.
    let mut played = vec![0.0; END];
    let jump = if scenario.jump { JUMP } else { END };
    played[..jump].copy_from_slice(&far[..jump]);
    let after = (jump + RATE / 10).min(END);
    let rest = END - after;
    played[after..].copy_from_slice(&far[jump..jump + rest]);
    let latency = (SPEAKER_LATENCY.as_secs_f64() * RATE as f64) as usize;
    played.splice(0..0, std::iter::repeat_n(0.0, latency));
    let echo = if scenario.reverberation > 0.0 {
        convolve(&played, &room(scenario.reverberation))
    } else {
        vec![0.0; END]
    };
    // As the microphone's clock samples it.
    let echo = resample(&echo[..END], 1.0 / (1.0 + scenario.drift_ppm * 1e-6));
    let echo = if scenario.reverberation > 0.0 { at_level(&echo, -32.0) } else { echo };
    let count = echo.len().min(END) / SAMPLES_10_MS * SAMPLES_10_MS;
    let mut near = vec![0.0; count];
    let voice = at_level(&looped(&speech.near, count - DOUBLE_TALK), -32.0 + scenario.near_over_echo_db);
    near[DOUBLE_TALK..].copy_from_slice(&voice);
    let mut random = Random::new(3);
    let noise: Vec<f32> = (0..count).map(|_| (random.signed() * 2e-4) as f32).collect();
    let mix = |parts: &[&[f32]]| -> Vec<f32> {
        (0..count).map(|index| parts.iter().map(|part| part[index]).sum()).collect()
    };

    let settings = VoiceSettings { echo: EchoCancellation::Auto, noise: false, gain: false };
    let (out, bypassed) = run(scenario, &far, &mix(&[&echo, &near, &noise]), settings);
    // The same voice through the same filters, with nothing to cancel: what it should be.
    let (wanted, _) = run(scenario, &vec![0.0; END], &mix(&[&near, &noise]), settings);
    let begin = if scenario.jump { JUMP + SETTLE } else { SETTLE };
    let erle = db(energy(&echo[begin..DOUBLE_TALK - 4_800]) / energy(&out[begin..DOUBLE_TALK - 4_800]));
    Measured {
        erle_db: (scenario.reverberation > 0.0).then_some(erle),
        near_loss_db: -db(kept(&wanted[DOUBLE_TALK..], &out[DOUBLE_TALK..])),
        bypassed,
    }
}

/// What the far end would be sent, and for how much of the double talk the canceller was bypassed.
fn run(scenario: Scenario, far: &[f32], microphone: &[f32], settings: VoiceSettings) -> (Vec<f32>, f64) {
    let (mut writer, mut reader) = far_end();
    let mut processor = VoiceProcessor::new(settings);
    let (mut to_speaker, mut speaker) = ring(4_800);
    let (mut from_microphone, mut voice) = ring(9_600);
    let start = Instant::now() + Duration::from_secs(1);
    let mut random = Random::new(11);
    let mut scatter = move || Duration::from_secs_f64(random.unit() * 1e-3);
    let mut out = Vec::with_capacity(microphone.len());
    let mut reference = [0.0; SAMPLES_10_MS];
    let mut block = [0.0; SAMPLES_10_MS];
    let (mut bypassed, mut double) = (0, 0);

    // Both devices ask every 10 ms of their own; the playout keeps 20 ms in the ring.
    to_speaker.push(&[0.0; SAMPLES_10_MS]);
    let mut asked = 0_usize;
    for (index, captured) in microphone.chunks_exact(SAMPLES_10_MS).enumerate() {
        let seconds = (index + 1) as f64 * 0.01 / (1.0 + scenario.drift_ppm * 1e-6);
        let now = start + Duration::from_secs_f64(seconds) + MICROPHONE_LATENCY;
        while start + FRAME * asked as u32 <= now {
            let at = start + FRAME * asked as u32;
            let extra = scenario.jump && asked * SAMPLES_10_MS >= JUMP + SAMPLES_10_MS;
            let latency = SPEAKER_LATENCY + if extra { FRAME * 10 } else { Duration::ZERO };
            if scenario.told {
                // One block waits in the ring: what is pulled now was written a block ago.
                speaker.stamp(at + latency - FRAME + scatter());
            }
            speaker.pull(&mut block);
            let first = asked * SAMPLES_10_MS;
            let piece = far.get(first..first + SAMPLES_10_MS).unwrap_or(&[0.0; SAMPLES_10_MS]);
            to_speaker.push(piece);
            writer.write(piece, to_speaker.next_heard(at));
            asked += 1;
        }
        if scenario.told {
            let ago = Duration::from_secs_f64(0.01 / (1.0 + scenario.drift_ppm * 1e-6));
            from_microphone.stamp(now - MICROPHONE_LATENCY - ago + scatter());
        }
        from_microphone.push(captured);
        // The voice thread works on packets of 20 ms.
        if index % 2 == 1 {
            for _ in 0..2 {
                let heard = voice.next_captured(now);
                voice.pull(&mut block);
                let far = reader.read(heard, &mut reference);
                if far == FarFrame::NewSpeaker {
                    processor.new_echo_path();
                }
                processor.process(&mut block, (far != FarFrame::None).then_some(&reference));
                out.extend_from_slice(&block);
                if out.len() > DOUBLE_TALK {
                    double += 1;
                    bypassed += u32::from(processor.stats().echo == EchoState::Bypassed);
                }
            }
        }
    }
    out.resize(microphone.len(), 0.0);
    (out, f64::from(bypassed) / f64::from(double.max(1)))
}
