//! Sound: 48 kHz, one channel, `f32` in −1…1, in frames of 10 or 20 ms.

pub mod chime;
pub mod jitter;
pub mod level;
pub mod mix;
pub mod opus;
pub mod protection;
pub mod red;
pub mod ring;
pub mod stamp;
pub mod volume;

/// Samples per second everywhere between the devices.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// Samples in 10 ms: the step of capture and playout.
pub const SAMPLES_10_MS: usize = 480;

/// Samples in 20 ms: one Opus packet.
pub const SAMPLES_20_MS: usize = 960;
