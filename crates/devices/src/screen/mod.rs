//! Screens and windows to share: what there is, and taking pictures of one. Whose system it is, `platform` knows;
//! what the pictures are for, nobody here does.

pub mod page;
mod still;
mod synthetic;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use maru_media::screen::{OnScreenEnded, SCREEN_MAX_FPS, Screen};
use maru_media::video::scale::{Scaler, fit};
use maru_media::video::snapshot::write_png;
use maru_media::{FramePool, LatestFrame, ScreenError, ScreenKind, ScreenSource, ScreenSourceId, VideoFrame};
use parking_lot::Mutex;

use crate::lost::Lost;
use crate::platform;
use crate::worker::{OpenError, Stop, Worker};

/// A page of text that does not move.
const TEXT: &str = "text";
/// The test pattern, which moves.
const PATTERN: &str = "pattern";
/// What follows is the path of a picture, or of moving ones.
const FILE: &str = "file:";

/// How long it may take until there is something to take pictures of.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// ... where a person is asked first. The dialog itself is closed before that.
const ASKING_LIMIT: Duration = Duration::from_secs(6 * 60);
/// A grabber looks up this often whether it should end.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// So many small pictures for choosing are taken at once: systems take time rather than computing time, and each
/// picture is a whole screen.
const THUMBNAILS_AT_ONCE: usize = 8;
/// Its largest size.
const THUMBNAIL_PX: (u32, u32) = (320, 240);

/// Takes pictures of one screen or window, on the thread that made it.
pub trait Grabber {
    /// What it is.
    fn source(&self) -> ScreenSource;

    /// The next picture that differs from the one before, the first one at once; `None` when there is none for
    /// about [`PATIENCE`], or when asked to stop.
    ///
    /// # Errors
    /// [`ScreenError`] when there will be no more.
    fn next(&mut self, pool: &FramePool, stop: &Stop) -> Result<Option<VideoFrame>, ScreenError>;
}

/// What there is to share on this machine, screens first; with the made-up ones where those are wanted.
///
/// # Errors
/// [`ScreenError`] when the system does not let anybody see its screens and there are no others.
pub fn sources(synthetic: bool) -> Result<Vec<ScreenSource>, ScreenError> {
    let made_up =
        if synthetic { vec![synthetic::text_source(), synthetic::pattern_source()] } else { vec![] };
    match platform::screen_sources() {
        Ok(mut sources) => {
            sources.extend(made_up);
            Ok(sources)
        }
        Err(error) if made_up.is_empty() => Err(error),
        Err(error) => {
            tracing::info!(%error, "there is nothing real to share");
            Ok(made_up)
        }
    }
}

/// A small picture of each screen or window for choosing, as a PNG, taken side by side; `None` where there is none
/// to be had until `deadline`.
pub fn thumbnails(ids: &[ScreenSourceId], deadline: Instant) -> Vec<Option<Vec<u8>>> {
    let taken: Vec<OnceLock<Vec<u8>>> = ids.iter().map(|_| OnceLock::new()).collect();
    let left = Mutex::new(ids.iter().zip(&taken));
    let take = || {
        loop {
            let limit = deadline.saturating_duration_since(Instant::now());
            let next = if limit.is_zero() { None } else { left.lock().next() };
            let Some((id, place)) = next else { return };
            if let Some(png) = thumbnail(id, limit) {
                let _ = place.set(png); // nobody else has this place
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..ids.len().min(THUMBNAILS_AT_ONCE) {
            // Without a thread there are fewer pictures.
            let _ = std::thread::Builder::new().name("thumbnails".into()).spawn_scoped(scope, take);
        }
    });
    taken.into_iter().map(OnceLock::into_inner).collect()
}

fn thumbnail(id: &ScreenSourceId, limit: Duration) -> Option<Vec<u8>> {
    if platform::asks_person(id) {
        return None;
    }
    let id = id.clone();
    let taken = Worker::open("thumbnail", limit, move |stop, ready| {
        ready.say(
            first_picture(&id, stop).and_then(|picture| small_png(&picture)).ok_or(ScreenError::Unknown),
        );
    });
    taken.ok().map(|(_, png)| png)
}

fn first_picture(id: &ScreenSourceId, stop: &Stop) -> Option<VideoFrame> {
    let mut grabber = grabber(id, &|| !stop.is_raised()).ok()?;
    while !stop.is_raised() {
        if let Some(picture) = grabber.next(&FramePool::new(), stop).ok()? {
            return Some(picture);
        }
    }
    None
}

fn small_png(picture: &VideoFrame) -> Option<Vec<u8>> {
    let (width, height) = fit(picture.width_px(), picture.height_px(), THUMBNAIL_PX.0, THUMBNAIL_PX.1);
    let mut png = Vec::new();
    write_png(&Scaler::new().scale(picture, width, height, &FramePool::new()), &mut png).ok()?;
    Some(png)
}

/// Begins to take pictures. `on_ended` is called when there will be no more. While a person is still asked, closing
/// `output` gives up.
pub fn open(
    id: &ScreenSourceId,
    output: Arc<LatestFrame>,
    on_ended: OnScreenEnded,
) -> Result<Box<dyn Screen>, ScreenError> {
    let lost = Lost::new(on_ended);
    let limit = if platform::asks_person(id) { ASKING_LIMIT } else { OPEN_LIMIT };
    let (id, report) = (id.clone(), lost.clone());
    let opened = Worker::open("screen", limit, move |stop, ready| {
        let watched = output.reader();
        let mut grabber = match grabber(&id, &|| !stop.is_raised() && !watched.is_closed()) {
            Ok(grabber) => grabber,
            Err(error) => return ready.say(Err(error)),
        };
        ready.say(Ok(grabber.source()));
        let pool = FramePool::new();
        let mut next = Instant::now();
        while !stop.wait_until(next) {
            next = Instant::now() + Duration::from_secs(1) / SCREEN_MAX_FPS;
            match grabber.next(&pool, stop) {
                Ok(Some(picture)) => output.publish(Arc::new(picture)),
                Ok(None) => {}
                Err(error) => return report.report(error),
            }
        }
    });
    match opened {
        Ok((worker, source)) => Ok(Box::new(Running { source, lost, _worker: worker })),
        Err(OpenError::Refused(error)) => Err(error),
        Err(OpenError::TimedOut) => Err(failed("the system does not answer; try again")),
        Err(OpenError::Died) => Err(failed("the system's capture failed; try again")),
    }
}

fn grabber(id: &ScreenSourceId, is_wanted: &dyn Fn() -> bool) -> Result<Box<dyn Grabber>, ScreenError> {
    match id.as_str() {
        TEXT => Ok(Box::new(synthetic::text())),
        PATTERN => Ok(Box::new(synthetic::pattern())),
        other => match other.strip_prefix(FILE) {
            Some(path) if has_ending(path, "y4m") => Ok(Box::new(synthetic::y4m(Path::new(path))?)),
            Some(path) => Ok(Box::new(synthetic::picture(Path::new(path))?)),
            None => platform::open_screen(id, is_wanted),
        },
    }
}

fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

/// Something failed before it was known what it was about.
fn failed(problem: &str) -> ScreenError {
    ScreenError::Failed { name: String::new(), problem: problem.to_owned() }
}

/// A source that is made up, by its id.
fn made_up(id: &str, name: &str, width: u32, height: u32) -> ScreenSource {
    let (id, name) = (ScreenSourceId::new(id), name.to_owned());
    ScreenSource { id, kind: ScreenKind::Screen, name, width, height }
}

/// A screen or window whose pictures are taken.
struct Running {
    source: ScreenSource,
    lost: Lost<ScreenError>,
    _worker: Worker,
}

impl Screen for Running {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lost.cancel();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_text_is_shared_once_and_can_be_read() {
        let slot = LatestFrame::new();
        let mut reader = slot.reader();
        let screen = open(&ScreenSourceId::new(TEXT), slot.clone(), Box::new(|_| {})).unwrap();
        assert_eq!((screen.source().width, screen.source().height), (1920, 1080));
        let picture = reader.wait(Duration::from_secs(10)).unwrap();
        assert_eq!(page::read(&picture), page::text());
        drop(screen);
        assert_eq!(slot.count(), 1, "what does not move is not taken again");
    }

    #[test]
    fn what_is_not_there_is_said_so() {
        let open = |id: &str| open(&ScreenSourceId::new(id), LatestFrame::new(), Box::new(|_| {})).err();
        assert!(matches!(open("file:/nowhere/a.png"), Some(ScreenError::File { .. })));
        assert!(matches!(open("file:/nowhere/a.y4m"), Some(ScreenError::File { .. })));
    }

    #[test]
    fn thumbnails_are_small_pictures_of_each_that_is_there() {
        let mut ids = vec![ScreenSourceId::new(TEXT); 2 * THUMBNAILS_AT_ONCE];
        ids[1] = ScreenSourceId::new("file:/nowhere/a.png");
        let taken = thumbnails(&ids, Instant::now() + Duration::from_secs(60));
        for (number, png) in taken.iter().enumerate() {
            let width = png.as_ref().map(|png| u32::from_be_bytes(png[16..20].try_into().unwrap()));
            assert_eq!(width, (number != 1).then_some(320), "{number}");
        }
        let late = thumbnails(&ids, Instant::now());
        assert!(late.iter().all(Option::is_none));
    }
}
