//! A camera that plays a `.y4m` file, looped, at the file's own rate. The format: a header line, and
//! before the bytes of each picture a line that begins with `FRAME` (YUV4MPEG2, described in the
//! manual page yuv4mpeg(5) of the MJPEG tools).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use maru_media::device::VideoFormat;
use maru_media::{DeviceError, DeviceKind, VideoFrame};

use super::clock::{Rate, Tick};
use super::file_error;
use super::pictures::Pictures;

mod header;
use header::{Chroma, Header};

/// Longest header line there may be.
const LINE_LIMIT: u64 = 1024;
/// Read at a time.
const BUFFER: usize = 1 << 18;
/// Pictures that are left out at most to catch up.
const SKIP_LIMIT: u64 = 10;

/// An open file, at the beginning of a picture.
pub struct Y4m {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    /// Where the first picture begins.
    first: u64,
    /// The picture's bytes as in the file.
    raw: Vec<u8>,
    line: Vec<u8>,
}

impl Y4m {
    /// Opens a file and looks through it, so that nothing can go wrong in mid-call that could have
    /// been told at once.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        Self::read_header(path).map_err(|problem| file_error(DeviceKind::Camera, path, problem))
    }

    fn read_header(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let length = file.metadata().map_err(|error| error.to_string())?;
        if !length.is_file() {
            return Err("it is not a file".to_owned());
        }
        let mut file = BufReader::with_capacity(BUFFER, file);
        let mut line = Vec::new();
        read_line(&mut file, &mut line).map_err(|error| error.to_string())?;
        let header = Header::parse(&line)?;
        let first = file.stream_position().map_err(|error| error.to_string())?;
        let raw = vec![0; header.picture_bytes()];
        let mut y4m = Self { path: path.to_owned(), file, header, first, raw, line };
        y4m.check(length.len())?;
        Ok(y4m)
    }

    /// Visits every picture's header up to the end of the file.
    fn check(&mut self, length: u64) -> Result<(), String> {
        let needed = self.raw.len() as u64;
        let mut number = 0_u64;
        loop {
            let at = self.file.stream_position().map_err(|error| error.to_string())?;
            if at == length && number > 0 {
                break;
            }
            number += 1;
            if at == length {
                return Err("there is no picture in it".to_owned());
            }
            self.expect_frame(number)?;
            let there = length - self.file.stream_position().map_err(|error| error.to_string())?;
            if there < needed {
                return Err(format!("picture {number} is cut off after {there} of {needed} bytes"));
            }
            self.file.seek_relative(needed as i64).map_err(|error| error.to_string())?;
        }
        self.rewind().map_err(|error| error.to_string())
    }

    fn expect_frame(&mut self, number: u64) -> Result<(), String> {
        read_line(&mut self.file, &mut self.line).map_err(|error| error.to_string())?;
        let rest = self.line.strip_prefix(b"FRAME");
        if !rest.is_some_and(|rest| rest.is_empty() || rest[0] == b' ') {
            return Err(format!("picture {number} does not begin with “FRAME”"));
        }
        Ok(())
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.first)).map(drop)
    }

    /// Reads the next picture, the first one again after the last one.
    fn read_picture(&mut self) -> Result<(), String> {
        if self.file.fill_buf().map_err(|error| error.to_string())?.is_empty() {
            self.rewind().map_err(|error| error.to_string())?;
        }
        self.expect_frame(0).map_err(|_| "it was changed while it was played".to_owned())?;
        self.file.read_exact(&mut self.raw).map_err(|error| error.to_string())
    }
}

impl Pictures for Y4m {
    fn format(&self) -> VideoFormat {
        let Header { width_px, height_px, rate, .. } = self.header;
        let fps = (rate.slots + rate.seconds / 2) / rate.seconds.max(1);
        VideoFormat { width_px, height_px, fps: fps.max(1) }
    }

    fn rate(&self) -> Rate {
        self.header.rate
    }

    fn draw(&mut self, tick: &Tick, frame: &mut VideoFrame) -> Result<(), DeviceError> {
        for _ in 0..=tick.skipped.min(SKIP_LIMIT) {
            self.read_picture().map_err(|problem| file_error(DeviceKind::Camera, &self.path, problem))?;
        }
        to_i420(&self.header, &self.raw, frame);
        Ok(())
    }

    fn stamp(&self, _: &mut VideoFrame, _: u64) {
        // A film shows what it shows.
    }
}

/// Reads up to the end of a line, which is not part of the result.
fn read_line(file: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    file.take(LINE_LIMIT).read_until(b'\n', line)?;
    if line.pop_if(|last| *last == b'\n').is_none() {
        return Err(io::Error::other("it is not a .y4m file: a line does not end"));
    }
    Ok(())
}

/// Brings the file's planes to half-size chroma and limited range.
fn to_i420(header: &Header, raw: &[u8], frame: &mut VideoFrame) {
    let (width, height) = (header.width_px as usize, header.height_px as usize);
    let (luma, chroma) = raw.split_at(width * height);
    let [y, u, v] = frame.planes_mut();
    y.copy_from_slice(luma);
    if header.chroma == Chroma::None {
        u.fill(128);
        v.fill(128);
    } else {
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        for (target, source) in [(u, blue), (v, red)] {
            shrink(source, header.chroma_size(), target, (width.div_ceil(2), height.div_ceil(2)));
        }
    }
    if header.full_range {
        let [y, u, v] = frame.planes_mut();
        limit(y, |value| 16 + (value * 219 + 127) / 255);
        // 128 + (value − 128) × 224 / 255, rounded, in non-negative numbers.
        let chroma = |value| (value * 224 + 128 * 31 + 127) / 255;
        limit(u, chroma);
        limit(v, chroma);
    }
}

fn limit(plane: &mut [u8], map: impl Fn(u32) -> u32) {
    for value in plane {
        *value = map(u32::from(*value)) as u8;
    }
}

/// Averages the source's pixels that fall onto one pixel of the target; both sizes as (width,
/// height), the source's equal to the target's or about twice.
fn shrink(source: &[u8], size: (usize, usize), target: &mut [u8], to: (usize, usize)) {
    if size == to {
        target.copy_from_slice(source);
        return;
    }
    let step = (if size.0 == to.0 { 1 } else { 2 }, if size.1 == to.1 { 1 } else { 2 });
    for (y, row) in target.chunks_exact_mut(to.0).enumerate() {
        let upper = &source[y * step.1 * size.0..][..size.0];
        let lower = &source[(y * step.1 + step.1 - 1).min(size.1 - 1) * size.0..][..size.0];
        for (x, value) in row.iter_mut().enumerate() {
            let (left, right) = (x * step.0, (x * step.0 + step.0 - 1).min(size.0 - 1));
            let sum =
                [upper[left], upper[right], lower[left], lower[right]].map(u16::from).iter().sum::<u16>();
            *value = ((sum + 2) / 4) as u8;
        }
    }
}

#[cfg(test)]
mod tests;
