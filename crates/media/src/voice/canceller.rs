//! Takes the far end's sound, as the speaker played it and the room returned it, out of what the
//! microphone heard: AEC3 in blocks of 4 ms.

use sonora_aec3::block::Block;
use sonora_aec3::block_processor::BlockProcessor;
use sonora_aec3::common::BLOCK_SIZE;
use sonora_aec3::config::EchoCanceller3Config;

use super::bands::{BAND_SAMPLES, Bands, SCALE};
use super::coupling::Energies;
use crate::audio::SAMPLE_RATE_HZ;

/// Samples by which a frame is not a whole number of blocks, at most.
const FRAMING: usize = 32;
/// By how much the canceller's output is behind its input, in samples of a band: framing, and the
/// block that its suppressor overlaps with.
pub(super) const DELAY: usize = FRAMING + BLOCK_SIZE;
/// A sample this near to full scale says that the microphone clips.
const CLIPPED: f32 = 0.998 * SCALE;
/// Room for a frame and what was left of the one before.
const QUEUE: usize = BAND_SAMPLES + BLOCK_SIZE;

/// Bands that wait until they make a block.
struct Queue {
    bands: [[f32; QUEUE]; 3],
    filled: usize,
}

impl Queue {
    fn new(silence: usize) -> Self {
        Self { bands: [[0.0; QUEUE]; 3], filled: silence }
    }

    fn push(&mut self, samples: [&[f32]; 3]) {
        let count = samples[0].len();
        for (queue, samples) in self.bands.iter_mut().zip(samples) {
            queue[self.filled..self.filled + count].copy_from_slice(samples);
        }
        self.filled += count;
    }

    fn pop(&mut self, out: [&mut [f32]; 3]) {
        let count = out[0].len();
        for (queue, out) in self.bands.iter_mut().zip(out) {
            out.copy_from_slice(&queue[..count]);
            queue.copy_within(count..self.filled, 0);
        }
        self.filled -= count;
    }

    fn pop_block(&mut self, block: &mut Block) -> bool {
        if self.filled < BLOCK_SIZE {
            return false;
        }
        for (band, queue) in self.bands.iter_mut().enumerate() {
            block.view_mut(band, 0).copy_from_slice(&queue[..BLOCK_SIZE]);
            queue.copy_within(BLOCK_SIZE..self.filled, 0);
        }
        self.filled -= BLOCK_SIZE;
        true
    }
}

pub(super) struct Canceller {
    processor: BlockProcessor,
    far: Queue,
    near: Queue,
    done: Queue,
    far_block: Block,
    near_block: Block,
    linear_block: Block,
}

impl Canceller {
    pub fn new() -> Self {
        let mut config = config();
        config.validate();
        Self {
            processor: BlockProcessor::new(&config, SAMPLE_RATE_HZ as usize, 1, 1),
            far: Queue::new(0),
            near: Queue::new(0),
            done: Queue::new(FRAMING),
            far_block: Block::new(3, 1),
            near_block: Block::new(3, 1),
            linear_block: Block::new(1, 1),
        }
    }

    /// Takes the echo of `far`, now or of up to half a second ago, out of `near`. `clipped`: the
    /// microphone was overdriven. Tells how much of it the linear filter alone could explain.
    pub fn process(&mut self, far: &Bands, near: &mut Bands, clipped: bool) -> Energies {
        let mut energies = Energies { far: energy(&far[0]), ..Energies::default() };
        self.far.push([&far[0], &far[1], &far[2]]);
        while self.far.pop_block(&mut self.far_block) {
            self.processor.buffer_render(&self.far_block);
        }
        self.near.push([&near[0], &near[1], &near[2]]);
        while self.near.pop_block(&mut self.near_block) {
            let heard = energy(self.near_block.view(0, 0));
            self.linear_block.view_mut(0, 0).copy_from_slice(self.near_block.view(0, 0));
            let (near, linear) = (&mut self.near_block, &mut self.linear_block);
            self.processor.process_capture(false, clipped, Some(linear), near);
            energies.heard += heard;
            energies.unexplained += energy(self.linear_block.view(0, 0));
            let block = &self.near_block;
            self.done.push([block.view(0, 0), block.view(1, 0), block.view(2, 0)]);
        }
        let [lowest, middle, highest] = near;
        self.done.pop([lowest, middle, highest]);
        energies
    }

    /// How far the echo is behind the far end's sound, as the canceller sees it.
    pub fn delay_ms(&self) -> i32 {
        self.processor.get_metrics().delay_ms
    }
}

/// Whether the microphone is overdriven.
pub(super) fn is_clipped(frame: &[f32]) -> bool {
    frame.iter().any(|sample| sample.abs() * SCALE >= CLIPPED)
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// WebRTC's settings are made for a far end that is aligned only roughly and for speakers that distort.
/// Here it is aligned by the devices' own times, so the linear filter can be trusted with more and the
/// suppressor, which is what dents a voice that speaks over the echo, has less to do. Found by the
/// benchmark `voice`, which prints what comes of it.
fn config() -> EchoCanceller3Config {
    let mut config = EchoCanceller3Config::default();
    config.filter.export_linear_aec_output = true;
    // 96 ms of a room instead of 52: its tail is taken out, not suppressed.
    config.filter.refined.length_blocks = 24;
    config.filter.coarse.length_blocks = 24;
    // How much the filter may be believed to take out.
    config.erle.max_l = 8.0;
    config.erle.max_h = 3.0;
    // How much of an echo's tail is expected beyond the filter; less while somebody speaks over it.
    config.ep_strength.default_len = 0.8;
    config.ep_strength.nearend_len = 0.4;
    // Which echo, measured by the voice beside it, passes as masked, and which is suppressed whole.
    let normal = &mut config.suppressor.normal_tuning;
    normal.mask_lf.enr_transparent = 0.5;
    normal.mask_lf.enr_suppress = 0.7;
    normal.mask_hf.enr_transparent = 0.15;
    normal.mask_hf.enr_suppress = 0.25;
    config
}
