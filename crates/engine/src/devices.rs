//! The device thread: opens and closes cameras, microphones and speakers, which may take seconds,
//! so that nobody else has to wait. It is told what is wanted, not what to do: the newest wish wins.

use std::sync::Arc;
use std::thread::JoinHandle;

use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::ring::ring;
use maru_media::device::{Camera, DeviceWatch, Microphone, Speaker, VideoFormat};
use maru_media::{DeviceError, DeviceId, DeviceKind, DeviceList, Devices, LatestFrame};
use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc;

use crate::receive::playout::Playout;
use crate::send::audio::VoiceInput;

/// Sound that may wait for the voice thread: 200 ms.
const MICROPHONE_RING: usize = SAMPLES_10_MS * 20;
/// Sound that may wait for the speaker: 200 ms; how much really waits is the playout's choice.
const SPEAKER_RING: usize = SAMPLES_10_MS * 20;

/// Which devices should be open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub camera: Option<DeviceId>,
    pub microphone: Option<DeviceId>,
    pub speaker: Option<DeviceId>,
}

/// What the device thread reports.
#[derive(Debug)]
pub(crate) enum DeviceNews {
    /// What there is.
    List(DeviceList),
    /// This device is open now; `None`: none of this kind is.
    Open(DeviceKind, Option<DeviceId>),
    /// This one could not be opened; what was open before still is.
    Failed { kind: DeviceKind, id: DeviceId, kept: Option<DeviceId>, error: DeviceError },
    /// This one was open and stopped working.
    Lost { kind: DeviceKind, id: DeviceId, error: DeviceError },
}

/// Where opened devices deliver to and take from.
#[derive(Clone)]
pub(crate) struct Outlets {
    pub capture: Arc<LatestFrame>,
    pub voice: Arc<VoiceInput>,
    pub playout: Arc<Playout>,
}

/// What should be open of one kind.
#[derive(Clone, Default)]
struct Wish {
    id: Option<DeviceId>,
    /// Counts its changes: something else and back again is a wish to try again what failed.
    number: u64,
}

impl Wish {
    fn set(&mut self, id: Option<DeviceId>) {
        if self.id != id {
            self.id = id;
            self.number += 1;
        }
    }
}

#[derive(Clone, Default)]
struct Wishes {
    camera: Wish,
    microphone: Wish,
    speaker: Wish,
}

#[derive(Default)]
struct Orders {
    wishes: Wishes,
    changed: bool,
    closed: bool,
    /// Which opening was lost, by its number.
    lost: Vec<(u64, DeviceError)>,
}

#[derive(Default)]
struct Mailbox {
    orders: Mutex<Orders>,
    changed: Condvar,
}

/// The thread, seen from outside. Dropping it closes all devices.
pub(crate) struct DeviceThread {
    mailbox: Arc<Mailbox>,
    /// Looks for devices that come and go; nobody who waits for a device waits for that.
    watch: Option<Box<dyn DeviceWatch>>,
    thread: Option<JoinHandle<()>>,
}

impl DeviceThread {
    pub fn start(
        devices: Arc<dyn Devices>,
        outlets: Outlets,
        news: mpsc::Sender<DeviceNews>,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let listed = news.clone();
        let watched = Arc::clone(&devices);
        let worker = Worker {
            mailbox: Arc::clone(&mailbox),
            devices,
            outlets,
            news,
            openings: 0,
            camera: Slot::default(),
            microphone: Slot::default(),
            speaker: Slot::default(),
        };
        let thread = std::thread::Builder::new().name("devices".into()).spawn(move || worker.run())?;
        let watch = watched.watch(Box::new(move |list| {
            // The engine drains this queue at once; when it is gone there is nobody to tell.
            if listed.try_send(DeviceNews::List(list)).is_err() {
                tracing::debug!("nobody is told of other devices");
            }
        }));
        Ok(Self { mailbox, watch: Some(watch), thread: Some(thread) })
    }

    /// These should be open from now on.
    pub fn want(&self, wanted: Wanted) {
        let mut orders = self.mailbox.orders.lock();
        orders.wishes.camera.set(wanted.camera);
        orders.wishes.microphone.set(wanted.microphone);
        orders.wishes.speaker.set(wanted.speaker);
        orders.changed = true;
        self.mailbox.changed.notify_one();
    }

    /// Looks now what there is; answered by [`DeviceNews::List`] if that is something new.
    pub fn refresh(&self) {
        if let Some(watch) = &self.watch {
            watch.look();
        }
    }

    /// Ends the thread; the handle can be joined off the async threads.
    pub fn close(&mut self) -> Option<JoinHandle<()>> {
        self.watch = None;
        self.mailbox.orders.lock().closed = true;
        self.mailbox.changed.notify_one();
        self.thread.take()
    }
}

impl Drop for DeviceThread {
    fn drop(&mut self) {
        self.close();
    }
}

struct Worker {
    mailbox: Arc<Mailbox>,
    devices: Arc<dyn Devices>,
    outlets: Outlets,
    news: mpsc::Sender<DeviceNews>,
    openings: u64,
    camera: Slot<dyn Camera>,
    microphone: Slot<dyn Microphone>,
    speaker: Slot<dyn Speaker>,
}

/// One kind's open device.
struct Slot<T: ?Sized> {
    open: Option<Opened<T>>,
    /// The number of the last wish that was seen to: what failed, or was lost, is not opened again for the same.
    seen_to: u64,
}

struct Opened<T: ?Sized> {
    id: DeviceId,
    opening: u64,
    /// Held for its `Drop`, which releases the device.
    _device: Box<T>,
}

impl<T: ?Sized> Default for Slot<T> {
    fn default() -> Self {
        Self { open: None, seen_to: 0 }
    }
}

impl<T: ?Sized> Slot<T> {
    /// Makes the wanted device the open one: the new one is opened before the old one is closed, so
    /// that nothing is missing in between. Returns what to report.
    fn apply(
        &mut self,
        kind: DeviceKind,
        wish: &Wish,
        opening: u64,
        open: impl FnOnce(&DeviceId) -> Result<Box<T>, DeviceError>,
    ) -> Option<DeviceNews> {
        if std::mem::replace(&mut self.seen_to, wish.number) == wish.number {
            return None;
        }
        let Some(id) = &wish.id else {
            self.open = None;
            return Some(DeviceNews::Open(kind, None));
        };
        if self.open.as_ref().is_some_and(|opened| opened.id == *id) {
            return None; // back to what is still open after a failed switch
        }
        match open(id) {
            Ok(device) => {
                self.open = Some(Opened { id: id.clone(), opening, _device: device });
                Some(DeviceNews::Open(kind, Some(id.clone())))
            }
            Err(error) => {
                let kept = self.open.as_ref().map(|opened| opened.id.clone());
                Some(DeviceNews::Failed { kind, id: id.clone(), kept, error })
            }
        }
    }

    /// Closes the device if it is the one that was lost.
    fn lose(&mut self, kind: DeviceKind, opening: u64, error: &DeviceError) -> Option<DeviceNews> {
        let opened = self.open.take_if(|opened| opened.opening == opening)?;
        Some(DeviceNews::Lost { kind, id: opened.id.clone(), error: error.clone() })
    }
}

impl Worker {
    fn run(mut self) {
        loop {
            let (wishes, lost) = {
                let mut orders = self.mailbox.orders.lock();
                while !orders.changed && !orders.closed && orders.lost.is_empty() {
                    self.mailbox.changed.wait(&mut orders);
                }
                if orders.closed {
                    return; // all devices close with the slots
                }
                orders.changed = false;
                (orders.wishes.clone(), std::mem::take(&mut orders.lost))
            };
            for (opening, error) in lost {
                let news = (self.camera.lose(DeviceKind::Camera, opening, &error))
                    .or_else(|| self.microphone.lose(DeviceKind::Microphone, opening, &error))
                    .or_else(|| self.speaker.lose(DeviceKind::Speaker, opening, &error));
                self.tell_all(news);
            }
            self.apply(&wishes);
        }
    }

    fn apply(&mut self, wishes: &Wishes) {
        self.openings += 3;
        let (devices, outlets) = (Arc::clone(&self.devices), self.outlets.clone());

        let opening = self.openings;
        let lost = self.on_lost(opening);
        let had_camera = self.camera.open.is_some();
        let news = self.camera.apply(DeviceKind::Camera, &wishes.camera, opening, |id| {
            devices.open_camera(id, VideoFormat::HD, Arc::clone(&outlets.capture), lost)
        });
        if had_camera && self.camera.open.is_none() {
            outlets.capture.clear();
        }
        self.tell_all(news);

        let opening = self.openings + 1;
        let lost = self.on_lost(opening);
        let news = self.microphone.apply(DeviceKind::Microphone, &wishes.microphone, opening, |id| {
            let (producer, consumer) = ring(MICROPHONE_RING);
            let microphone = devices.open_microphone(id, producer, lost)?;
            outlets.voice.switch(consumer);
            Ok(microphone)
        });
        self.tell_all(news);

        let opening = self.openings + 2;
        let lost = self.on_lost(opening);
        let news = self.speaker.apply(DeviceKind::Speaker, &wishes.speaker, opening, |id| {
            let (producer, consumer) = ring(SPEAKER_RING);
            let speaker = devices.open_speaker(id, consumer, lost)?;
            outlets.playout.switch(producer);
            Ok(speaker)
        });
        self.tell_all(news);
    }

    fn on_lost(&self, opening: u64) -> maru_media::device::OnLost {
        let mailbox = Arc::clone(&self.mailbox);
        Box::new(move |error| {
            mailbox.orders.lock().lost.push((opening, error));
            mailbox.changed.notify_one();
        })
    }

    fn tell_all(&self, news: Option<DeviceNews>) {
        if let Some(news) = news {
            self.tell(news);
        }
    }

    fn tell(&self, news: DeviceNews) {
        // The engine drains this queue at once; when it is gone there is nobody to tell.
        let _ = self.news.blocking_send(news);
    }
}
