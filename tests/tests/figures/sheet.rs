//! A page of known text as pictures of a screen, and how much of it can be read in what comes of them. Set by Pango
//! and read by Tesseract: neither knows anything of the other, or of Maru.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_devices::{Options, SystemDevices};
use maru_media::video::scale::Scaler;
use maru_media::video::{snapshot, timecode};
use maru_media::{Devices as _, FramePool, LatestFrame, ScreenSourceId, VideoFrame};
use maru_tests::wait::now_ms;
use tempfile::TempDir;

pub const WIDTH_PX: u32 = 1920;
pub const HEIGHT_PX: u32 = 1080;
/// Lines of text: more than three screens.
const LINES: usize = 150;
/// As text is on a usual screen.
const FONT: &str = "DejaVu Sans 19px";
/// Room for the time code above the first line.
const MARGIN_PX: u32 = 40;
const PAPER: u8 = 235;
/// A side of the squares that are compared one by one.
const BLOCK: usize = 32;

const WORDS: &str = "about above after again against almost along already always among another answer around away \
    because become before began behind being below better between both bring brought built business called came \
    cannot carried change children city close could country course different does done door during each early earth \
    eight either enough even every example eyes family father feel felt few field find first five food form found \
    four friend from full gave general give given going good government great group half hand hard have head hear \
    heard held help here high hold home hour house however hundred idea important interest into keep kind knew know \
    land large last later least leave left less light like line list little live long look lost made make many \
    matter mean might mind money month more morning most mother move much music must name near need never next night \
    north nothing number often once only open order other over paper part party past people perhaps person picture \
    place plan plant point power present problem public question quite rather reached read ready real reason right \
    river road room round school second seem seen sentence several should side simple since small social some song \
    soon sound south space special stand start state still stood stop story street strong study such sure system \
    table take talk tell than that their them then there these they thing think this those though thought three \
    through time today together told took toward town tree true turn under until upon usually very voice walk want \
    watch water week well went were what when where which while white whole whose wind with without woman word work \
    world would write year young";

/// A long page, of which a screen shows a part.
pub struct Sheet {
    folder: TempDir,
    page: Arc<VideoFrame>,
    lines: Vec<String>,
    pool: FramePool,
}

impl Sheet {
    /// Sets the page.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let lines = lines();
        let text = folder.path().join("page.txt");
        fs::write(&text, lines.join("\n")).unwrap();
        let png = folder.path().join("page.png");
        let margin = format!("--margin={MARGIN_PX}");
        let mut set = Command::new("pango-view");
        set.args(["--no-display", "--dpi=96", "--font", FONT, &margin, "--output"]).arg(&png).arg(&text);
        assert!(set.stdout(std::process::Stdio::null()).status().unwrap().success(), "pango-view fails");
        let page = picture(&png);
        assert!(page.width_px() > WIDTH_PX / 2 && page.height_px() > 3 * HEIGHT_PX, "the page is too small");
        Self { folder, page, lines, pool: FramePool::new() }
    }

    /// The whole page, as a file.
    #[cfg(feature = "browsers")]
    pub fn png(&self) -> PathBuf {
        self.folder.path().join("page.png")
    }

    /// How far it can be scrolled.
    pub fn length_px(&self) -> u32 {
        (self.page.height_px() - HEIGHT_PX) & !1
    }

    /// What a screen shows of it from this line of pixels on, with the time on it.
    pub fn at(&self, top_px: u32) -> VideoFrame {
        let mut frame = self.pool.take(WIDTH_PX, HEIGHT_PX, Instant::now());
        let strides = frame.strides();
        let columns = self.page.strides();
        let from = self.page.planes();
        for (plane, to) in frame.planes_mut().into_iter().enumerate() {
            to.fill(if plane == 0 { PAPER } else { 128 });
            let top = top_px as usize / if plane == 0 { 1 } else { 2 };
            let count = columns[plane].min(strides[plane]);
            let rows = from[plane].chunks_exact(columns[plane]).skip(top);
            for (to, from) in to.chunks_exact_mut(strides[plane]).zip(rows) {
                to[..count].copy_from_slice(&from[..count]);
            }
        }
        timecode::write(&mut frame, now_ms());
        frame
    }

    /// The share of the words on the first screen of the page that Tesseract finds in a picture, 0 to 1.
    pub fn words_read(&self, picture: &VideoFrame) -> f64 {
        let (twice, pool) = ((2 * picture.width_px(), 2 * picture.height_px()), FramePool::new());
        let mut png = Vec::new();
        snapshot::write_png(&Scaler::new().scale(picture, twice.0, twice.1, &pool), &mut png).unwrap();
        self.words_in(&png)
    }

    /// The same of a PNG twice as large as the screen: Tesseract was taught with larger letters than screens have.
    pub fn words_in(&self, read: &[u8]) -> f64 {
        let png = self.folder.path().join("read.png");
        fs::write(&png, read).unwrap();
        let mut read = Command::new("tesseract");
        let read = read.arg(&png).args(["stdout", "-l", "eng", "--psm", "6"]).output().unwrap();
        assert!(read.status.success(), "tesseract: {}", String::from_utf8_lossy(&read.stderr));
        let mut left: HashMap<String, usize> = HashMap::new();
        for word in String::from_utf8_lossy(&read.stdout).split_whitespace() {
            *left.entry(word.to_lowercase()).or_default() += 1;
        }
        // Whole lines only: the last one may be cut.
        let height = f64::from(self.page.height_px() - 2 * MARGIN_PX) / LINES as f64;
        let shown = (f64::from(HEIGHT_PX - MARGIN_PX) / height) as usize;
        let expected: Vec<&str> = self.lines[..shown].iter().flat_map(|line| line.split(' ')).collect();
        let found = expected.iter().filter(|word| {
            left.get_mut(**word).filter(|count| **count > 0).map(|count| *count -= 1).is_some()
        });
        found.count() as f64 / expected.len() as f64
    }
}

/// The same words at all times, in no order that means anything.
fn lines() -> Vec<String> {
    // Numerical Recipes' constants.
    let mut state = 2026_u32;
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words[(state >> 16) as usize % words.len()]
    };
    let line = |_| {
        let mut line = word().to_owned();
        while line.len() < 150 {
            line.push(' ');
            line.push_str(word());
        }
        line
    };
    (0..LINES).map(line).collect()
}

/// A picture from a file.
fn picture(png: &Path) -> Arc<VideoFrame> {
    let slot = LatestFrame::new();
    let mut reader = slot.reader();
    let source = ScreenSourceId::new(format!("file:{}", PathBuf::from(png).display()));
    let opened = SystemDevices::new(Options::default()).open_screen(&source, slot, Box::new(|_| {}));
    let picture = reader.wait(Duration::from_secs(10)).unwrap();
    drop(opened);
    picture
}

/// How like each other two pictures are where they are least: the peak signal-to-noise ratio of that square, in dB.
pub fn worst_block_db(one: &VideoFrame, other: &VideoFrame) -> f64 {
    if (one.width_px(), one.height_px()) != (other.width_px(), other.height_px()) {
        return 0.0;
    }
    let (width, height) = (one.width_px() as usize, one.height_px() as usize);
    let (one, other) = (one.planes()[0], other.planes()[0]);
    let mut worst = 0_u32;
    for top in (0..height).step_by(BLOCK) {
        let bottom = (top + BLOCK).min(height);
        for left in (0..width).step_by(BLOCK) {
            let right = (left + BLOCK).min(width);
            let rows = (top..bottom).map(|row| row * width + left..row * width + right);
            let error = rows
                .map(|row| {
                    let pairs = one[row.clone()].iter().zip(&other[row]);
                    pairs.map(|(one, other)| u32::from(one.abs_diff(*other)).pow(2)).sum::<u32>()
                })
                .sum();
            worst = worst.max(error);
        }
    }
    let mean = f64::from(worst) / (BLOCK * BLOCK) as f64;
    (10.0 * (255.0_f64.powi(2) / mean.max(1e-3)).log10()).min(99.0)
}
