//! What a jitter buffer tells of itself, in the terms of W3C's webrtc-stats
//! (`RTCInboundRtpStreamStats`).

use std::time::Duration;

/// What happened so far, and how it stands. Counters of samples are at 48 kHz.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JitterStats {
    /// Samples played: received, recovered or made up. Silence between streams does not count.
    pub total_samples_received: u64,
    /// Samples made up because packets were lost or late.
    pub concealed_samples: u64,
    /// Those of them that were silence, because nothing had come for too long.
    pub silent_concealed_samples: u64,
    /// Runs of concealed samples.
    pub concealment_events: u64,
    /// Samples put in to slow the playout down.
    pub inserted_samples_for_deceleration: u64,
    /// Samples taken out to speed the playout up.
    pub removed_samples_for_acceleration: u64,
    /// The time that samples spent in the buffer, over all samples emitted.
    pub jitter_buffer_delay: Duration,
    /// The target of that time when they were emitted, over all samples emitted.
    pub jitter_buffer_target_delay: Duration,
    /// Samples that came out of the buffer.
    pub jitter_buffer_emitted_count: u64,
    /// Packets pushed.
    pub packets_received: u64,
    /// Packets that came when their time was over, twice, or with numbers or contents that cannot be.
    pub packets_discarded: u64,
    /// Packets whose time came without them.
    pub packets_lost: u64,
    /// Those of them whose sound was in a later packet, by FEC or deep redundancy.
    pub packets_recovered: u64,
    /// Sound that waits to be played now, in milliseconds.
    pub buffer_ms: f32,
    /// How long packets should be held back now, in milliseconds.
    pub target_ms: f32,
    /// How long after the fastest packet could have been heard the sound of now is heard, in milliseconds.
    pub behind_ms: f32,
}

impl JitterStats {
    /// The mean time in the buffer of what was emitted since `before`, in milliseconds.
    pub fn mean_delay_ms_since(&self, before: &Self) -> Option<f64> {
        let emitted = self.jitter_buffer_emitted_count.checked_sub(before.jitter_buffer_emitted_count)?;
        let delay = self.jitter_buffer_delay.saturating_sub(before.jitter_buffer_delay);
        (emitted > 0).then(|| delay.as_secs_f64() * 1e3 / emitted as f64)
    }
}
