//! What is done to a voice between the microphone and the encoder: echo cancellation, noise
//! suppression, gain control, in frames of 10 ms. Each stage can be switched off; one that panics
//! lets sound pass and is built anew.
//!
//! Knows nothing of devices, threads and codecs. Where the far end's sound comes from, and when it
//! was heard, is [`far_end`]'s business.

mod align;
mod bands;
mod canceller;
mod contain;
mod coupling;
mod detour;
pub mod far_end;
mod floor;
mod gain;
mod high_pass;
mod interpolate;
mod noise;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::audio::SAMPLES_10_MS;
use bands::{Bands, FilterBank, SILENT_BANDS};
use canceller::Canceller;
use contain::Contained;
use coupling::Coupling;
use detour::Detour;
use gain::GainStage;
use high_pass::HighPass;
use noise::NoiseStage;

/// How much longer sound takes that is split into bands and joined again.
const BANDS_DELAY: Duration = Duration::from_millis(1);
/// And in the canceller, and in the noise suppressor, which both overlap their blocks.
const STAGE_DELAY: Duration = Duration::from_millis(6);

/// When the far end's echo is taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "media.d.ts")]
pub enum EchoCancellation {
    /// Where the microphone hears the speaker; not with a headset.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// What is done to a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "media.d.ts")]
pub struct VoiceSettings {
    /// Take out what the speaker plays.
    pub echo: EchoCancellation,
    /// Lower steady noise.
    pub noise: bool,
    /// Bring the voice to a good level.
    pub gain: bool,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self { echo: EchoCancellation::Auto, noise: true, gain: true }
    }
}

impl VoiceSettings {
    /// Sound goes out as the microphone hears it.
    pub const NOTHING: Self = Self { echo: EchoCancellation::Off, noise: false, gain: false };
}

/// What became of the echo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EchoState {
    /// Nothing is done about it: switched off, or there is no speaker.
    #[default]
    Off,
    /// It is taken out.
    Cancelling,
    /// There is none: the sound goes round the canceller, which goes on listening for one.
    Bypassed,
}

/// What the processor did, for the statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoiceStats {
    /// What became of the echo.
    pub echo: EchoState,
    /// How far the echo is behind the far end's sound, as the canceller sees it.
    pub echo_delay_ms: i32,
    /// By how much the output is behind the input.
    pub delay: Duration,
    /// How often a stage panicked and was built anew.
    pub panics: u32,
}

/// Processes one microphone's voice. Works in place; its output is up to 12 ms behind its input.
pub struct VoiceProcessor {
    settings: VoiceSettings,
    canceller: Contained<Canceller>,
    noise: Contained<NoiseStage>,
    gain: Contained<GainStage>,
    coupling: Coupling,
    high_pass: HighPass,
    near_bank: FilterBank,
    far_bank: FilterBank,
    round_canceller: Detour<{ canceller::DELAY }>,
    round_noise: Detour<{ noise::DELAY }>,
    stats: VoiceStats,
}

impl VoiceProcessor {
    /// A processor that has heard nothing.
    pub fn new(settings: VoiceSettings) -> Self {
        Self {
            settings,
            canceller: Contained::new(Canceller::new),
            noise: Contained::new(NoiseStage::new),
            gain: Contained::new(GainStage::new),
            coupling: Coupling::new(),
            high_pass: HighPass::new(),
            near_bank: FilterBank::new(),
            far_bank: FilterBank::new(),
            round_canceller: Detour::new(),
            round_noise: Detour::new(),
            stats: VoiceStats::default(),
        }
    }

    /// From now on this is done. A stage that is switched off forgets what it learnt.
    pub fn set(&mut self, settings: VoiceSettings) {
        if settings.echo == EchoCancellation::Off && self.settings.echo != EchoCancellation::Off {
            self.new_echo_path();
        }
        if !settings.noise {
            self.noise.reset();
        }
        if !settings.gain {
            self.gain.reset();
        }
        self.settings = settings;
    }

    /// Another microphone or speaker: what was learnt of the way between them is void.
    pub fn new_echo_path(&mut self) {
        self.canceller.reset();
        self.coupling = Coupling::new();
    }

    /// What it did so far.
    pub fn stats(&self) -> VoiceStats {
        let panics = self.canceller.panics() + self.noise.panics() + self.gain.panics();
        VoiceStats { delay: self.delay(), panics, ..self.stats }
    }

    /// By how much the output is behind the input, now: less where stages have had nothing to do for a while.
    pub fn delay(&self) -> Duration {
        let stage = |late: bool| if late { STAGE_DELAY } else { Duration::ZERO };
        let canceller = stage(self.settings.echo != EchoCancellation::Off && self.round_canceller.is_late());
        let noise = stage(self.settings.noise && self.round_noise.is_late());
        if self.works_in_bands() { BANDS_DELAY + canceller + noise } else { Duration::ZERO }
    }

    fn works_in_bands(&self) -> bool {
        self.settings.echo != EchoCancellation::Off || self.settings.noise
    }

    /// Processes 10 ms in place. `far` is what the speaker plays at that time or a little later;
    /// `None` when there is no speaker.
    pub fn process(&mut self, frame: &mut [f32; SAMPLES_10_MS], far: Option<&[f32; SAMPLES_10_MS]>) {
        for sample in frame.iter_mut() {
            // One sample that is no number would stay in the filters for good.
            *sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        }
        if self.works_in_bands() {
            self.process_bands(frame, far);
        } else {
            self.stats.echo = EchoState::Off;
        }
        if self.settings.gain {
            let mut louder = *frame;
            if self.gain.run(|gain| gain.process(&mut louder)).is_some() {
                *frame = louder;
            }
        }
        for sample in frame.iter_mut() {
            *sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        }
    }

    fn process_bands(&mut self, frame: &mut [f32; SAMPLES_10_MS], far: Option<&[f32; SAMPLES_10_MS]>) {
        let clipped = canceller::is_clipped(frame);
        let mut near = SILENT_BANDS;
        self.near_bank.split(frame, &mut near);
        self.high_pass.process(&mut near[0]);
        if self.settings.noise {
            let lowest = near[0];
            self.noise.run(|noise| noise.listen(&lowest));
        }
        if self.settings.echo != EchoCancellation::Off {
            self.cancel(&mut near, far, clipped);
        } else {
            self.stats.echo = EchoState::Off;
        }
        if self.settings.noise {
            let around = self.round_noise.pass(&near);
            let mut quieter = near;
            let done = self.noise.run(|noise| noise.process(&mut quieter));
            let (through, share) = done.map_or((around, 0.0), |share| (quieter, share));
            near = self.round_noise.cross(&near, &around, &through, share);
        }
        self.near_bank.join(&near, frame);
    }

    /// Takes the echo out, or goes round the canceller.
    fn cancel(&mut self, near: &mut Bands, far: Option<&[f32; SAMPLES_10_MS]>, clipped: bool) {
        let around = self.round_canceller.pass(near);
        let mut through = *near;
        let mut share = 0.0;
        self.stats.echo = EchoState::Off;
        if let Some(far) = far {
            let mut far_bands = SILENT_BANDS;
            self.far_bank.split(far, &mut far_bands);
            let done = self.canceller.run(|canceller| {
                (canceller.process(&far_bands, &mut through, clipped), canceller.delay_ms())
            });
            match done {
                Some((energies, delay_ms)) => {
                    self.coupling.frame(energies);
                    self.stats.echo_delay_ms = delay_ms;
                    let needed = self.settings.echo == EchoCancellation::On || self.coupling.is_coupled();
                    self.stats.echo = if needed { EchoState::Cancelling } else { EchoState::Bypassed };
                    share = if needed { 1.0 } else { 0.0 };
                }
                None => through = around,
            }
        } else {
            // Its far end has a gap from here on.
            self.canceller.reset();
            through = around;
        }
        *near = self.round_canceller.cross(near, &around, &through, share);
    }
}

#[cfg(test)]
mod tests;
