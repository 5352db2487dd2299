//! The thread of one open sound device: makes the stream, watches it, makes it anew when the system
//! changed, reports when the device is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{Device, Error, ErrorKind, Host, Stream};
use maru_media::{DeviceError, DeviceId};

use super::config::{self, Plan};
use super::direction::{Direction, Reports};
use super::error::{device_error, lost};
use super::lease::Keeper;
use super::list::{connect, default_device, host};
use super::watch::{Verdict, Watch};
use crate::id::{self, SoundChoice};
use crate::lost::Lost;
use crate::platform;
use crate::watchdog::Pulse;
use crate::worker::{OPEN_LIMIT, Ready, Stop};

/// How often a running stream is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often the system is asked for its default device.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A sound service that holds this thread up for so long has lost the device.
const STALL_LIMIT: Duration = Duration::from_secs(3);
/// How long to wait before a stream that broke is made anew: what takes its place needs a moment.
const REBUILD_AFTER: Duration = Duration::from_millis(300);
/// Errors of a stream that wait to be looked at; more than that say nothing new.
const ERRORS_KEPT: usize = 16;
/// How the device that follows the system is called in errors where the system does not say which it is.
const DEFAULT_NAME: &str = "System default";

/// One open sound device.
pub struct Session<D: Direction> {
    choice: SoundChoice,
    id: DeviceId,
    ring: Keeper<D::Ring>,
    lost: Lost,
    watch: Watch,
    beats: Arc<AtomicU64>,
    /// Shows that this thread lives.
    pulse: Arc<Pulse>,
}

/// One running stream of it.
struct Running {
    /// Plays for as long as it lives.
    _stream: Stream,
    host: Host,
    name: String,
    device: Option<cpal::DeviceId>,
    errors: Receiver<ErrorKind>,
}

impl<D: Direction> Session<D> {
    /// For a device that is to be opened.
    pub fn new(choice: SoundChoice, id: DeviceId, ring: D::Ring, lost: Lost, pulse: Arc<Pulse>) -> Self {
        let watch = Watch::new(choice == SoundChoice::Default, Instant::now());
        Self { choice, id, ring: Keeper::new(ring), lost, watch, beats: Arc::default(), pulse }
    }

    /// Keeps the device open until asked to stop, or until it is lost.
    pub fn run(&mut self, stop: &Stop, ready: &Ready<(), DeviceError>) {
        let _quiet = platform::quiet_sound_library();
        self.run_on(&service, stop, ready);
        self.pulse.rest();
    }

    fn run_on(&mut self, service: &Service, stop: &Stop, ready: &Ready<(), DeviceError>) {
        let mut running = match self.start(service) {
            Ok(running) => running,
            Err(error) => return ready.say(Err(error)),
        };
        ready.say(Ok(()));
        loop {
            let Some(verdict) = self.attend(&running, stop) else { return };
            let name = running.name.clone();
            // The ring comes back only when the stream is gone.
            drop(running);
            if verdict == Verdict::GiveUp {
                return self.lost.report(lost(D::KIND, name, None));
            }
            tracing::info!(device = name, "opening a sound device anew");
            let mut wait = if verdict == Verdict::RebuildNow { Duration::ZERO } else { REBUILD_AFTER };
            running = loop {
                if stop.wait_until(Instant::now() + wait) {
                    return;
                }
                if !self.pulse.beat(Instant::now() + OPEN_LIMIT) {
                    return;
                }
                match self.start(service) {
                    Ok(running) => break running,
                    Err(error) if self.watch.failed(Instant::now()) == Verdict::GiveUp => {
                        return self.lost.report(lost(D::KIND, name, Some(error)));
                    }
                    Err(error) => tracing::debug!(%error, "not yet"),
                }
                wait = REBUILD_AFTER;
            };
        }
    }

    /// Looks after a stream until something has to be done; `None` when asked to stop.
    fn attend(&mut self, running: &Running, stop: &Stop) -> Option<Verdict> {
        let mut ask_at = Instant::now() + ASK_EVERY;
        loop {
            let now = Instant::now();
            // False: it was given up while the sound service held this thread up.
            if !self.pulse.beat(now + STALL_LIMIT) || stop.wait_until(now + LOOK_EVERY) {
                return None;
            }
            let now = Instant::now();
            let verdict = self.watch.beats(self.beats.load(Ordering::Relaxed), now);
            if verdict != Verdict::Go {
                return Some(verdict);
            }
            for kind in running.errors.try_iter() {
                tracing::debug!(device = running.name, %kind, "a sound stream reports");
                let verdict = self.watch.error(kind, now);
                if verdict != Verdict::Go {
                    return Some(verdict);
                }
            }
            if self.choice == SoundChoice::Default && now >= ask_at {
                ask_at = now + ASK_EVERY;
                match default_device(&running.host, D::KIND).map(|device| device.id().ok()) {
                    // Some systems move the stream to something that cannot be spoken into.
                    None => return Some(self.watch.error(ErrorKind::DeviceNotAvailable, now)),
                    Some(device) if device.is_some() && device != running.device => {
                        return Some(Verdict::RebuildNow);
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn start(&mut self, service: &Service) -> Result<Running, DeviceError> {
        // Anew for each stream: a service that ended takes its connections with it.
        let Some(host) = service(&self.choice) else {
            let error = Error::new(ErrorKind::HostUnavailable);
            return Err(device_error(D::KIND, self.id.as_str(), &error));
        };
        let device = self.find(&host)?;
        let name = match self.choice {
            SoundChoice::Default if !platform::names_default_sound_device(host.id()) => {
                DEFAULT_NAME.to_owned()
            }
            _ => device.to_string(),
        };
        let (reporter, errors) = mpsc::sync_channel(ERRORS_KEPT);
        let reports = Reports { beats: Arc::clone(&self.beats), errors: reporter };
        let beats = self.beats.load(Ordering::Relaxed);
        let stream = self.open(&device, &reports).map_err(|error| match (&self.choice, error.kind()) {
            (SoundChoice::Default, ErrorKind::DeviceNotAvailable) => DeviceError::None(D::KIND),
            _ => device_error(D::KIND, &name, &error),
        })?;
        self.watch.started(beats, Instant::now());
        Ok(Running { _stream: stream, host, name, device: device.id().ok(), errors })
    }

    fn find(&self, host: &Host) -> Result<Device, DeviceError> {
        match &self.choice {
            SoundChoice::Default => default_device(host, D::KIND).ok_or(DeviceError::None(D::KIND)),
            SoundChoice::Named(name) => name
                .parse()
                .ok()
                .and_then(|device: cpal::DeviceId| D::find(host, &device))
                .ok_or_else(|| id::unknown(D::KIND, &self.id)),
        }
    }

    fn open(&self, device: &Device, reports: &Reports) -> Result<Stream, Error> {
        let plan = plan::<D>(device)?;
        tracing::debug!(?plan, "opening a sound device");
        let mut last = Error::new(ErrorKind::UnsupportedConfig);
        let block = platform::block_to_ask_for(device, D::KIND, self.watch.block());
        for block in [Some(block), None] {
            let Some(ring) = self.ring.lend() else {
                let problem = "its driver does not let go of the stream before";
                return Err(Error::with_message(ErrorKind::Other, problem));
            };
            let started = D::build(device, &plan, block, ring, reports.clone())
                .and_then(|stream| stream.play().map(|()| stream));
            match started {
                Ok(stream) => return Ok(stream),
                Err(error) if worth_another_size(error.kind()) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }
}

/// Connects to the sound service that has the chosen device.
type Service = dyn Fn(&SoundChoice) -> Option<Host>;

fn service(choice: &SoundChoice) -> Option<Host> {
    match choice {
        SoundChoice::Default => host(),
        SoundChoice::Named(name) => {
            // What cannot be read is named nowhere.
            name.parse().map_or_else(|_| host(), |device: cpal::DeviceId| connect(device.host()))
        }
    }
}

/// What to open the device with.
fn plan<D: Direction>(device: &Device) -> Result<Plan, Error> {
    let kept = match platform::KEEPS_SOUND_RATE {
        true => D::current(device).ok().map(|config| config.sample_rate()),
        false => None,
    };
    match config::choose(D::KIND, &D::offers(device)?, kept) {
        Some(plan) => Ok(plan),
        // Some devices list nothing and work nevertheless.
        None => D::current(device).map(Plan::from),
    }
}

/// Whether the device may work with blocks of its own choice.
fn worth_another_size(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::DeviceBusy
            | ErrorKind::DeviceNotAvailable
            | ErrorKind::HostUnavailable
            | ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
