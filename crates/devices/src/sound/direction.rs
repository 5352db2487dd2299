//! What differs between sound in and sound out: which of the library's functions are called.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{
    Device, DeviceId, Error, ErrorKind, FromSample, Host, I24, SampleFormat, SizedSample, Stream,
    StreamConfig, SupportedStreamConfig, SupportedStreamConfigRange, U24,
};
use maru_media::DeviceKind;
use maru_media::audio::ring::{RingConsumer, RingProducer};

use super::config::Plan;
use super::lease::Lease;
use super::pump::{CapturePump, PlaybackPump};

/// How long the library may wait for a device before it looks whether it is still there.
const WAIT: Duration = Duration::from_millis(500);

/// No device is slower; a system that says so has its times mixed up.
const LATENCY_LIMIT: Duration = Duration::from_secs(1);

/// What a running stream tells its thread.
#[derive(Clone)]
pub struct Reports {
    /// Counts blocks.
    pub beats: Arc<AtomicU64>,
    /// Takes errors; those for which there is no room are dropped.
    pub errors: SyncSender<ErrorKind>,
}

impl Reports {
    fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    fn error(&self, error: &Error) {
        // Full: the thread has enough to look at already. Disconnected: it dropped the stream.
        let _ = self.errors.try_send(error.kind());
    }
}

/// Sound in, or sound out.
pub trait Direction: 'static {
    /// Which kind of device.
    const KIND: DeviceKind;
    /// Our end of the ring.
    type Ring: Send + 'static;

    /// The device of this id. One that gives sound and one that takes it may have the same.
    fn find(host: &Host, id: &DeviceId) -> Option<Device>;

    /// What the device offers.
    ///
    /// # Errors
    /// What the system says.
    fn offers(device: &Device) -> Result<Vec<SupportedStreamConfigRange>, Error>;

    /// What the device runs at already.
    ///
    /// # Errors
    /// What the system says.
    fn current(device: &Device) -> Result<SupportedStreamConfig, Error>;

    /// Makes a stream around the ring, with blocks of about this length.
    ///
    /// # Errors
    /// What the system says.
    fn build(
        device: &Device,
        plan: &Plan,
        block: Option<Duration>,
        ring: Lease<Self::Ring>,
        reports: Reports,
    ) -> Result<Stream, Error>;
}

/// Calls a function for the type behind a sample format.
macro_rules! for_format {
    ($format:expr, $function:ident ( $($argument:expr),* )) => {
        match $format {
            SampleFormat::I8 => $function::<i8>($($argument),*),
            SampleFormat::I16 => $function::<i16>($($argument),*),
            SampleFormat::I24 => $function::<I24>($($argument),*),
            SampleFormat::I32 => $function::<i32>($($argument),*),
            SampleFormat::U8 => $function::<u8>($($argument),*),
            SampleFormat::U16 => $function::<u16>($($argument),*),
            SampleFormat::U24 => $function::<U24>($($argument),*),
            SampleFormat::U32 => $function::<u32>($($argument),*),
            SampleFormat::F32 => $function::<f32>($($argument),*),
            SampleFormat::F64 => $function::<f64>($($argument),*),
            _ => Err(Error::new(ErrorKind::UnsupportedConfig)),
        }
    };
}

/// Sound in.
pub struct Capture;

impl Direction for Capture {
    const KIND: DeviceKind = DeviceKind::Microphone;
    type Ring = RingProducer;

    fn find(host: &Host, id: &DeviceId) -> Option<Device> {
        host.input_devices().ok()?.find(|device| device.id().is_ok_and(|found| found == *id))
    }

    fn offers(device: &Device) -> Result<Vec<SupportedStreamConfigRange>, Error> {
        device.supported_input_configs().map(Iterator::collect)
    }

    fn current(device: &Device) -> Result<SupportedStreamConfig, Error> {
        device.default_input_config()
    }

    fn build(
        device: &Device,
        plan: &Plan,
        block: Option<Duration>,
        ring: Lease<RingProducer>,
        reports: Reports,
    ) -> Result<Stream, Error> {
        let pump = CapturePump::new(ring, plan.rate_hz, plan.channels).map_err(unsupported)?;
        for_format!(plan.format, capture(device, plan.config(block), pump, reports))
    }
}

fn capture<T: SizedSample>(
    device: &Device,
    config: StreamConfig,
    mut pump: CapturePump,
    reports: Reports,
) -> Result<Stream, Error>
where
    f32: FromSample<T>,
{
    let on_error = reports.clone();
    device.build_input_stream(
        config,
        move |samples: &[T], info: &cpal::InputCallbackInfo| {
            if samples.is_empty() {
                return; // calls without sound are no sign of life
            }
            reports.beat();
            let times = info.timestamp();
            let ago = latency(times.callback.saturating_duration_since(times.capture));
            let now = Instant::now();
            pump.push(samples, now.checked_sub(ago).unwrap_or(now));
        },
        move |error| on_error.error(&error),
        Some(WAIT),
    )
}

/// Sound out.
pub struct Playback;

impl Direction for Playback {
    const KIND: DeviceKind = DeviceKind::Speaker;
    type Ring = RingConsumer;

    fn find(host: &Host, id: &DeviceId) -> Option<Device> {
        host.output_devices().ok()?.find(|device| device.id().is_ok_and(|found| found == *id))
    }

    fn offers(device: &Device) -> Result<Vec<SupportedStreamConfigRange>, Error> {
        device.supported_output_configs().map(Iterator::collect)
    }

    fn current(device: &Device) -> Result<SupportedStreamConfig, Error> {
        device.default_output_config()
    }

    fn build(
        device: &Device,
        plan: &Plan,
        block: Option<Duration>,
        ring: Lease<RingConsumer>,
        reports: Reports,
    ) -> Result<Stream, Error> {
        let pump = PlaybackPump::new(ring, plan.rate_hz, plan.channels).map_err(unsupported)?;
        for_format!(plan.format, playback(device, plan.config(block), pump, reports))
    }
}

fn playback<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    mut pump: PlaybackPump,
    reports: Reports,
) -> Result<Stream, Error> {
    let on_error = reports.clone();
    device.build_output_stream(
        config,
        move |samples: &mut [T], info: &cpal::OutputCallbackInfo| {
            if samples.is_empty() {
                return;
            }
            reports.beat();
            let times = info.timestamp();
            let ahead = latency(times.playback.saturating_duration_since(times.callback));
            pump.fill(samples, Instant::now() + ahead);
        },
        move |error| on_error.error(&error),
        Some(WAIT),
    )
}

/// How long sound is under way between the device and the callback, as far as the system can be believed.
fn latency(told: Duration) -> Duration {
    if told > LATENCY_LIMIT { Duration::ZERO } else { told }
}

fn unsupported(problem: String) -> Error {
    Error::with_message(ErrorKind::UnsupportedConfig, problem)
}
