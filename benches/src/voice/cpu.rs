//! Computing time of the voice path, each direction, as a share of one core. Measured as the time
//! that the process got, not as the time that passed: a busy machine does not change it.

use anyhow::{Context, Result};
use maru_media::audio::mix::{Gain, Limiter};
use maru_media::audio::opus::Encoder;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};
use maru_media::voice::{EchoCancellation, VoiceProcessor, VoiceSettings};

use super::loss;
use super::network::Network;
use super::signal::convolve;
use super::speech::Speech;

/// What was measured, as shares of one core.
pub struct Shares {
    /// Each stage of the processing, and the encoder.
    pub parts: Vec<(&'static str, f64)>,
    /// Everything from the microphone to the packet.
    pub send: f64,
    /// Everything from the packet to the speaker, one peer.
    pub receive: f64,
}

/// Computing time of this process so far, in seconds.
fn used() -> Result<f64> {
    // Linux tells it in ticks of 10 ms; there is no other way without a foreign function.
    let stat = std::fs::read_to_string("/proc/self/stat").context("computing time is read from /proc")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    Ok((ticks(11).context("user time")? + ticks(12).context("system time")?) / 100.0)
}

/// Share of a core that some work on this many samples takes, done over and over until it can be told.
fn share(samples: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let before = used()?;
    let mut seconds = 0.0;
    loop {
        work()?;
        seconds += samples as f64 / 48_000.0;
        let spent = used()? - before;
        if spent > 2.0 {
            return Ok(spent / seconds);
        }
    }
}

/// Measures with a voice over its own echo, the most that there can be to do.
pub fn measure(speech: &Speech) -> Result<Shares> {
    let far = &speech.far[..20 * 48_000];
    let mut response = vec![0.0; 2_000];
    response[500] = 0.4;
    let echo = convolve(far, &response);
    let near: Vec<f32> = echo.iter().zip(&speech.near).map(|(echo, near)| echo + near).collect();
    let near = &near[..near.len() / SAMPLES_20_MS * SAMPLES_20_MS];

    let process = |settings: VoiceSettings| -> Result<(f64, Vec<f32>)> {
        let mut processor = VoiceProcessor::new(settings);
        let mut out = Vec::new();
        let share = share(near.len(), || {
            out.clear();
            for (far, near) in far.as_chunks::<SAMPLES_10_MS>().0.iter().zip(near.as_chunks().0) {
                let mut frame: [f32; SAMPLES_10_MS] = *near;
                processor.process(&mut frame, Some(far));
                out.extend_from_slice(&frame);
            }
            Ok(())
        })?;
        Ok((share, out))
    };
    let only = |echo, noise, gain| process(VoiceSettings { echo, noise, gain }).map(|(share, _)| share);
    let (all, voice) = process(VoiceSettings::default())?;
    let mut encoder = Encoder::new()?;
    encoder.set_expected_loss(10)?;
    let mut packet = Vec::new();
    let encode = share(voice.len(), || {
        for samples in voice.as_chunks::<SAMPLES_20_MS>().0 {
            packet.clear();
            encoder.encode(samples, &mut packet)?;
        }
        Ok(())
    })?;
    let network = Network { loss: 0.05, burst: 1.0, jitter: std::time::Duration::from_millis(30) };
    let packets = loss::packets(&voice, network)?;
    let (mut gain, mut limiter) = (Gain::new(1.0), Limiter::new());
    let receive = share(voice.len(), || {
        for frame in loss::heard(&packets, network)?.as_chunks::<SAMPLES_10_MS>().0 {
            let mut mix = [0.0; SAMPLES_10_MS];
            gain.mix_into(&mut mix, frame, 1.0);
            limiter.process(&mut mix);
        }
        Ok(())
    })?;
    let parts = vec![
        ("echo cancellation", only(EchoCancellation::On, false, false)?),
        ("noise suppression", only(EchoCancellation::Off, true, false)?),
        ("gain control", only(EchoCancellation::Off, false, true)?),
        ("all three", all),
        ("Opus encoder", encode),
    ];
    Ok(Shares { parts, send: all + encode, receive })
}
