//! A page of text that is shared: how old it is when it is seen, how soon and how well it can be read, and what that
//! costs: `cargo xtask bench share`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use maru_devices::{Options, SystemDevices};
use maru_engine::{Command, PeerState, VideoKind, VideoOutput};
use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Camera, Microphone, OnLost, Speaker, VideoFormat};
use maru_media::screen::{OnScreenEnded, Screen};
use maru_media::video::timecode;
use maru_media::{
    DeviceError, DeviceId, DeviceList, Devices, LatestFrame, ScreenError, ScreenKind, ScreenSource,
    ScreenSourceId, VideoCodec, VideoFrame,
};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::usage::ComputingTime;
use maru_tests::wait::now_ms;

use crate::sheet::{HEIGHT_PX, Sheet, WIDTH_PX, worst_block_db};

pub const ROOM: &str = "share";
/// From here on no square of the picture looks other than it should.
pub const SHARP_DB: f64 = 33.0;
/// It has to be sharp by then.
pub const SHARP_LIMIT: Duration = Duration::from_secs(20);
/// How long each thing is measured.
pub const SPAN: Duration = Duration::from_secs(6);
/// After this long it rests, sharp.
pub const REST: Duration = Duration::from_secs(4);
/// How often it is looked whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pixels a second: somebody reads through.
pub const SCROLL_PX: u32 = 120;

/// The heads of the two tables.
pub const RATES: &str = "\
    | shared by | what happens | pictures a second | age, median | age, 95 % | kbit/s | computing time |\n\
    |---|---|---|---|---|---|---|";
pub const SHARPNESS: &str = "\
    | shared by | what happens | first picture | words read in it | sharp everywhere | words read then |\n\
    |---|---|---|---|---|---|";

/// This machine's devices, with a screen on which the benchmark puts its pictures.
struct Stage {
    system: SystemDevices,
    slot: Mutex<Option<Arc<LatestFrame>>>,
}

impl Stage {
    fn new() -> Arc<Self> {
        Arc::new(Self { system: SystemDevices::new(Options { synthetic: true }), slot: Mutex::default() })
    }

    fn show(&self, picture: VideoFrame) -> Arc<VideoFrame> {
        let picture = Arc::new(picture);
        self.slot.lock().unwrap().as_ref().unwrap().publish(Arc::clone(&picture));
        picture
    }
}

struct Shown;

impl Screen for Shown {
    fn source(&self) -> ScreenSource {
        let (id, kind, name) = (ScreenSourceId::new("sheet"), ScreenKind::Screen, "A page".to_owned());
        ScreenSource { id, kind, name, width: WIDTH_PX, height: HEIGHT_PX }
    }
}

impl Devices for Stage {
    fn list(&self) -> DeviceList {
        self.system.list()
    }

    fn open_camera(
        &self,
        id: &DeviceId,
        format: VideoFormat,
        output: Arc<LatestFrame>,
        on_lost: OnLost,
    ) -> Result<Box<dyn Camera>, DeviceError> {
        self.system.open_camera(id, format, output, on_lost)
    }

    fn open_microphone(
        &self,
        id: &DeviceId,
        output: RingProducer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Microphone>, DeviceError> {
        self.system.open_microphone(id, output, on_lost)
    }

    fn open_speaker(
        &self,
        id: &DeviceId,
        input: RingConsumer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Speaker>, DeviceError> {
        self.system.open_speaker(id, input, on_lost)
    }

    fn open_screen(
        &self,
        _: &ScreenSourceId,
        output: Arc<LatestFrame>,
        _: OnScreenEnded,
    ) -> Result<Box<dyn Screen>, ScreenError> {
        *self.slot.lock().unwrap() = Some(output);
        Ok(Box::new(Shown))
    }
}

/// Who shares, and who sees it.
struct Call {
    server: LocalServer,
    stage: Arc<Stage>,
    codec: VideoCodec,
    anna: Participant,
    ben: Participant,
    /// What Ben sees.
    seen: Arc<LatestFrame>,
}

impl Call {
    async fn begin(codec: VideoCodec) -> Self {
        let (server, stage) = (LocalServer::start(), Stage::new());
        let devices = Arc::clone(&stage);
        let anna = Participant::join_with(&server.url(), ROOM, "Anna", |config| {
            config.video_codecs = vec![codec];
            config.devices = devices;
        })
        .await;
        let (ben, seen) = watch(&server, "Ben", codec).await;
        Self { server, stage, codec, anna, ben, seen }
    }

    async fn bytes(&self) -> u64 {
        self.anna.engine().report().await.unwrap().sent.screen.bytes
    }

    /// Shows pictures for [`SPAN`], at so many a second, and prints what that was like.
    async fn measure(&self, sheet: &Arc<Sheet>, what: &str, fps: u32) {
        let (bytes, computing) = (self.bytes().await, ComputingTime::of(&[std::process::id()]));
        let (sheet, stage) = (Arc::clone(sheet), Arc::clone(&self.stage));
        let end = Instant::now() + SPAN;
        let scrolled = std::thread::spawn(move || {
            if fps == 0 {
                std::thread::sleep(SPAN);
                return;
            }
            let (begun, mut number) = (Instant::now(), 0);
            while Instant::now() < end {
                number += 1;
                let top = ((number * SCROLL_PX / fps) % sheet.length_px()) & !1;
                stage.show(sheet.at(top));
                let next = begun + Duration::from_secs(1) * number / fps;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        let mut reader = self.seen.reader();
        let ages = tokio::task::spawn_blocking(move || {
            let mut ages = Vec::new();
            while Instant::now() < end {
                let Some(picture) = reader.wait(LOOK_EVERY) else { continue };
                ages.extend(timecode::read(&picture).map(|taken| now_ms().saturating_sub(taken)));
            }
            ages
        });
        let mut ages = ages.await.unwrap();
        scrolled.join().unwrap();
        let seconds = SPAN.as_secs_f64();
        let kbps = (self.bytes().await - bytes) as f64 * 8.0 / 1000.0 / seconds;
        let shown = ages.len() as f64 / seconds;
        ages.sort_unstable();
        let at = |share: usize| {
            ages.get(ages.len() * share / 100).map_or_else(String::new, |age| format!("{age} ms"))
        };
        // What rests has the age of its rest.
        let (half, most) = if fps == 0 { Default::default() } else { (at(50), at(95)) };
        println!(
            "| Maru, {} | {what} | {shown:.1} | {half} | {most} | {kbps:.0} | {:.0} % |",
            self.codec.name(),
            computing.percent()
        );
    }

    async fn end(self) {
        self.anna.leave().await;
        self.ben.leave().await;
    }
}

/// Somebody who sees what Anna shares.
async fn watch(server: &LocalServer, name: &str, codec: VideoCodec) -> (Participant, Arc<LatestFrame>) {
    let person =
        Participant::join_with(&server.url(), ROOM, name, |config| config.video_codecs = vec![codec]).await;
    let seen = LatestFrame::new();
    let anna = person.until_peer("Anna", "Anna", |_| true).await.id;
    person.engine().set_video_output(anna, VideoKind::Screen, VideoOutput::Decoded(Arc::clone(&seen)));
    person.until_peer("connected", "Anna", |peer| peer.state == PeerState::Connected).await;
    (person, seen)
}

/// What became of a picture.
struct Seen {
    first: Arc<VideoFrame>,
    first_after: Duration,
    sharp: Option<(Arc<VideoFrame>, Duration)>,
    /// How good it was in the end.
    best_db: f64,
}

/// Waits until a picture is seen that looks like this one everywhere, counting from a moment.
async fn sharpens(seen: &Arc<LatestFrame>, shown: &Arc<VideoFrame>, since: Instant) -> Seen {
    let (mut reader, shown) = (seen.reader(), Arc::clone(shown));
    let sharpens = move || {
        let taken = timecode::read(&shown);
        let (mut first, mut best_db) = (None, 0.0_f64);
        while since.elapsed() < SHARP_LIMIT {
            let Some(picture) = reader.wait(LOOK_EVERY) else { continue };
            let after = since.elapsed();
            if timecode::read(&picture) != taken {
                continue;
            }
            first.get_or_insert((Arc::clone(&picture), after));
            let db = worst_block_db(&picture, &shown);
            best_db = best_db.max(db);
            if db >= SHARP_DB {
                let (first, first_after) = first.unwrap();
                return Seen { first, first_after, sharp: Some((picture, after)), best_db };
            }
        }
        let (first, first_after) = first.expect("a picture");
        Seen { first, first_after, sharp: None, best_db }
    };
    tokio::task::spawn_blocking(sharpens).await.unwrap()
}

fn print_sharpness(codec: VideoCodec, what: &str, sheet: &Sheet, seen: &Seen) {
    let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
    let sharp = seen.sharp.as_ref().map_or_else(|| "never".to_owned(), |(_, after)| ms(*after));
    let words = |picture: &VideoFrame| format!("{:.1} %", sheet.words_read(picture) * 100.0);
    let last = words(seen.sharp.as_ref().map_or(&seen.first, |(picture, _)| picture));
    println!(
        "| Maru, {} | {what} | {} | {} | {sharp} ({:.0} dB) | {last} |",
        codec.name(),
        ms(seen.first_after),
        words(&seen.first),
        seen.best_db
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench share"]
async fn figures_of_a_page_that_is_shared_beside_a_call() {
    let sheet = Arc::new(Sheet::new());
    println!(
        "Of the page itself Tesseract finds {:.1} % of the words.",
        sheet.words_read(&sheet.at(0)) * 100.0
    );
    let mut sharpness = Vec::new();
    println!("{RATES}");
    for codec in VideoCodec::BUILT_IN.iter().copied() {
        let call = Call::begin(codec).await;
        tokio::time::sleep(REST).await; // the call finds its rate
        call.measure(&sheet, "nothing is shared", 0).await;
        call.anna.command(Command::StartShare { source: ScreenSourceId::new("sheet") }).await;
        call.anna.until("sharing", |view| view.me.sharing.clone()).await;
        let shown = call.stage.show(sheet.at(0));
        sharpness.push((codec, "a share begins", sharpens(&call.seen, &shown, Instant::now()).await));
        tokio::time::sleep(REST).await; // what makes it sharp is no part of its rest
        call.measure(&sheet, "it rests", 0).await;

        let (newcomer, seen) = watch(&call.server, "Cleo", codec).await;
        sharpness.push((
            codec,
            "a newcomer, from its connection on",
            sharpens(&seen, &shown, Instant::now()).await,
        ));
        newcomer.leave().await;

        call.stage.show(sheet.at(HEIGHT_PX));
        tokio::time::sleep(REST).await; // it is sharp and rests
        let shown = call.stage.show(sheet.at(0));
        sharpness.push((codec, "another page", sharpens(&call.seen, &shown, Instant::now()).await));
        for fps in [5, 15, 30] {
            call.measure(&sheet, &format!("scrolled, {fps} a second"), fps).await;
        }
        let shown = call.stage.show(sheet.at(0));
        sharpness.push((codec, "the end of scrolling", sharpens(&call.seen, &shown, Instant::now()).await));
        call.end().await;
    }
    println!("\n{SHARPNESS}");
    for (codec, what, seen) in &sharpness {
        print_sharpness(*codec, what, &sheet, seen);
    }
    #[cfg(feature = "browsers")]
    crate::browsers::measure(&sheet).await;
}
