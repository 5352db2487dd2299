//! Devices that come, go and fail, as the engine's owner sees it. No machine has devices that fail on
//! command, so these are made up; no server is needed, for the preview opens devices without a call.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use maru_engine::{CallView, Choice, Command, Engine, EngineConfig, Event, FixedServer, NoticeCode};
use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Camera, DeviceWatch, Microphone, OnDevices, OnLost, Speaker, VideoFormat};
use maru_media::voice::VoiceSettings;
use maru_media::{
    DeviceError, DeviceId, DeviceInfo, DeviceKind, DeviceList, Devices, FramePool, LatestFrame, System,
};
use maru_protocol::ClientInfo;
use parking_lot::Mutex;

const LIMIT: Duration = Duration::from_secs(10);

/// Cameras by name: `busy` cannot be opened, all others can; what is open is known and can be lost.
#[derive(Default)]
struct FakeDevices {
    cameras: Mutex<Vec<&'static str>>,
    open: Arc<AtomicUsize>,
    lose: Mutex<Option<OnLost>>,
    opened: Mutex<Vec<String>>,
    watcher: Mutex<Option<OnDevices>>,
}

impl FakeDevices {
    /// These are there from now on.
    fn plug(&self, cameras: &[&'static str]) {
        *self.cameras.lock() = cameras.to_vec();
        let list = self.list();
        self.watcher.lock().as_mut().unwrap()(list);
    }
}

struct FakeCamera(Arc<AtomicUsize>);

impl Camera for FakeCamera {
    fn format(&self) -> VideoFormat {
        VideoFormat::HD
    }
}

impl Drop for FakeCamera {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Devices for FakeDevices {
    fn list(&self) -> DeviceList {
        let camera = |name: &&'static str| DeviceInfo {
            id: DeviceId::new(*name),
            name: (*name).to_owned(),
            default: false,
            synthetic: false,
            follows_system: false,
        };
        DeviceList { cameras: self.cameras.lock().iter().map(camera).collect(), ..DeviceList::default() }
    }

    fn watch(&self, mut on_devices: OnDevices) -> Box<dyn DeviceWatch> {
        on_devices(self.list());
        *self.watcher.lock() = Some(on_devices);
        Box::new(())
    }

    fn open_camera(
        &self,
        id: &DeviceId,
        _format: VideoFormat,
        output: Arc<LatestFrame>,
        on_lost: OnLost,
    ) -> Result<Box<dyn Camera>, DeviceError> {
        if id.as_str() == "busy" {
            return Err(DeviceError::Busy {
                kind: DeviceKind::Camera,
                name: "busy".into(),
                system: System::Linux,
            });
        }
        output.publish(Arc::new(FramePool::new().take(16, 16, Instant::now())));
        self.opened.lock().push(id.to_string());
        *self.lose.lock() = Some(on_lost);
        self.open.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FakeCamera(Arc::clone(&self.open))))
    }

    fn open_microphone(
        &self,
        _id: &DeviceId,
        _output: RingProducer,
        _on_lost: OnLost,
    ) -> Result<Box<dyn Microphone>, DeviceError> {
        Err(DeviceError::Denied { kind: DeviceKind::Microphone, system: System::Linux })
    }

    fn open_speaker(
        &self,
        _id: &DeviceId,
        _input: RingConsumer,
        _on_lost: OnLost,
    ) -> Result<Box<dyn Speaker>, DeviceError> {
        Err(DeviceError::None(DeviceKind::Speaker))
    }
}

fn start(cameras: &[&'static str]) -> (Engine, Arc<FakeDevices>) {
    let devices = Arc::new(FakeDevices { cameras: Mutex::new(cameras.to_vec()), ..FakeDevices::default() });
    let engine = Engine::start(EngineConfig {
        devices: Arc::clone(&devices) as Arc<dyn Devices>,
        server: Arc::new(FixedServer::parse("ws://127.0.0.1:9").unwrap()),
        client: ClientInfo { name: "test".into(), version: "0".into() },
        ice_servers: Vec::new(),
        addresses: Default::default(),
        token: None,
        video_codecs: maru_media::VideoCodec::BUILT_IN.to_vec(),
        camera: Choice::Preferred,
        microphone: Choice::Preferred,
        speaker: Choice::Preferred,
        muted: false,
        camera_off: false,
        voice: VoiceSettings::NOTHING,
        downloads: None,
        decode: false,
    })
    .unwrap();
    (engine, devices)
}

async fn until(engine: &Engine, what: &str, wanted: impl Fn(&CallView) -> bool) -> Arc<CallView> {
    let mut events = engine.events();
    let search = async {
        loop {
            let view = engine.view();
            if wanted(&view) {
                return view;
            }
            let _: Result<Event, _> = events.recv().await;
        }
    };
    match tokio::time::timeout(LIMIT, search).await {
        Ok(view) => view,
        Err(_) => panic!("not in time: {what}; {:?}", engine.view()),
    }
}

#[tokio::test]
async fn the_preview_opens_the_preferred_camera_and_releases_it() {
    let (engine, devices) = start(&["first", "second"]);
    engine.command(Command::Preview { on: true }).await;
    until(&engine, "open", |view| view.me.camera_live && view.me.camera == Some(DeviceId::new("first")))
        .await;
    assert!(engine.preview().peek().is_some());
    engine.command(Command::SetCameraOff { camera_off: true }).await;
    until(&engine, "closed", |view| !view.me.camera_live).await;
    assert_eq!(devices.open.load(Ordering::SeqCst), 0);
    assert!(engine.preview().peek().is_none(), "no stale picture stays behind");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_busy_camera_is_told_and_the_one_before_stays() {
    let (engine, devices) = start(&["good", "busy"]);
    engine.command(Command::Preview { on: true }).await;
    until(&engine, "open", |view| view.me.camera_live).await;
    let select = Command::SelectDevice { kind: DeviceKind::Camera, id: Some(DeviceId::new("busy")) };
    engine.command(select).await;
    let view = until(&engine, "a notice", |view| view.notice.is_some()).await;
    let notice = view.notice.clone().unwrap();
    assert_eq!(notice.code, NoticeCode::Camera);
    assert!(notice.text.contains("in use by another program"), "{}", notice.text);
    until(&engine, "the old choice", |view| view.me.camera == Some(DeviceId::new("good"))).await;
    assert_eq!(devices.open.load(Ordering::SeqCst), 1);
    // Choosing again takes the notice away.
    let select = Command::SelectDevice { kind: DeviceKind::Camera, id: Some(DeviceId::new("good")) };
    engine.command(select).await;
    until(&engine, "no notice", |view| view.notice.is_none() && view.me.camera_live).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn a_camera_that_is_unplugged_is_told_and_another_one_takes_over() {
    let (engine, devices) = start(&["usb", "built-in"]);
    engine.command(Command::Preview { on: true }).await;
    until(&engine, "open", |view| view.me.camera_live).await;
    let on_lost = devices.lose.lock().take().unwrap();
    on_lost(DeviceError::Lost { kind: DeviceKind::Camera, name: "usb".into() });
    let view = until(&engine, "the other camera", |view| {
        view.me.camera_live && view.me.camera == Some(DeviceId::new("built-in"))
    })
    .await;
    let text = &view.notice.as_ref().unwrap().text;
    assert!(text.contains("“usb” is gone") && text.contains("“built-in” is used"), "{text}");
    assert_eq!(*devices.opened.lock(), ["usb", "built-in"]);
    devices.plug(&["built-in"]);
    devices.plug(&["usb", "built-in"]);
    until(&engine, "the first camera again", |view| {
        let notice = view.notice.as_ref().map_or("", |notice| &notice.text);
        view.me.camera == Some(DeviceId::new("usb")) && notice.contains("“usb” is back")
    })
    .await;
    assert_eq!(*devices.opened.lock(), ["usb", "built-in", "usb"]);
    engine.shutdown().await;
    assert_eq!(devices.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_chosen_camera_that_leaves_the_list_is_replaced_and_returned_to() {
    let (engine, devices) = start(&["built-in", "usb"]);
    engine.command(Command::Preview { on: true }).await;
    let usb = Some(DeviceId::new("usb"));
    engine.command(Command::SelectDevice { kind: DeviceKind::Camera, id: usb.clone() }).await;
    until(&engine, "open", |view| view.me.camera_live && view.me.camera == usb).await;
    for _ in 0..3 {
        devices.plug(&["built-in"]);
        until(&engine, "the other camera", |view| {
            let notice = view.notice.as_ref().map_or("", |notice| &notice.text);
            view.me.camera == Some(DeviceId::new("built-in")) && notice.contains("“usb” is gone")
        })
        .await;
        devices.plug(&["built-in", "usb"]);
        until(&engine, "the chosen camera", |view| {
            let notice = view.notice.as_ref().map_or("", |notice| &notice.text);
            view.me.camera == usb && view.me.camera_live && notice.contains("“usb” is back")
        })
        .await;
    }
    engine.shutdown().await;
    assert_eq!(devices.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_any_camera_the_others_will_see_that_it_is_off() {
    let (engine, _devices) = start(&[]);
    engine.command(Command::Preview { on: true }).await;
    engine.command(Command::RefreshDevices).await;
    let view = until(&engine, "a view", |view| view.me.camera.is_none()).await;
    assert!(!view.me.camera_live && view.notice.is_none());
    engine.shutdown().await;
}
