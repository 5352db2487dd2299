//! VP8 by the system's libvpx, behind a safe interface: pictures in, frames out, and back. All
//! `unsafe` of VP8 is here. It refuses to know RTP, time, and Maru's own kinds of frames.

mod ffi;

use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// What the library said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// Ticks a second of the clock that frame rates are told in.
const CLOCK_HZ: f32 = 90_000.0;

/// What an encoder is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Bits per second to aim at.
    pub bitrate_bps: u32,
    /// Pictures per second that will come, above 0.
    pub fps: f32,
    /// Threads to encode with.
    pub threads: u32,
    /// 0 to 16; higher is quicker and looks worse.
    pub speed: u32,
    /// The pictures show a screen: they are left out before they get bad.
    pub screen: bool,
}

/// A picture of 8-bit samples whose chroma is halved both ways, lent to or by the library.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Y, U, V.
    pub planes: [&'a [u8]; 3],
    /// Bytes from row to row.
    pub strides: [usize; 3],
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

/// An encoded picture, lent by the encoder.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The VP8 frame (RFC 6386).
    pub data: &'a [u8],
    /// It can be decoded alone.
    pub key: bool,
}

/// Encodes pictures of one size: one pass, constant bitrate, nothing held back, key frames on
/// request only.
pub struct Encoder {
    raw: NonNull<ffi::Encoder>,
    size_px: (u32, u32),
}

// SAFETY: the library keeps everything in its context and in threads that it joins; it does not
// care which thread calls, as long as only one does at a time, which `&mut self` sees to.
unsafe impl Send for Encoder {}

impl Encoder {
    /// An encoder whose first frame is a key frame.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let raw_settings = ffi::Settings {
            width: settings.width_px,
            height: settings.height_px,
            bitrate_kbps: kbps(settings.bitrate_bps),
            frame_ticks: frame_ticks(settings.fps),
            threads: settings.threads,
            speed: settings.speed.min(16),
            screen: u32::from(settings.screen),
        };
        let mut raw = ptr::null_mut();
        // SAFETY: both pointers are to live values of the types that the shim declares; it writes an
        // encoder or null to the second and keeps neither. What it returns is a static string.
        unsafe { result(ffi::maru_vpx_encoder_create(&raw const raw_settings, &raw mut raw))? };
        let raw = NonNull::new(raw).ok_or_else(|| Error("there is no encoder".into()))?;
        Ok(Self { raw, size_px: (settings.width_px, settings.height_px) })
    }

    /// Aims at another rate from the next picture on.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn tune(&mut self, bitrate_bps: u32, fps: f32) -> Result<(), Error> {
        // SAFETY: `raw` is a live encoder; what is returned is valid until the next call with it.
        unsafe { result(ffi::maru_vpx_encoder_tune(self.raw.as_ptr(), kbps(bitrate_bps), frame_ticks(fps))) }
    }

    /// Encodes a picture that came so long after the one before (`None`: as the frame rate says, which spares an
    /// even flow the unrest of real times); as a key frame where `key`. `None` when the library left it out.
    ///
    /// # Errors
    /// When the picture has another size than the encoder was made for, or a plane is too short; and
    /// when the library fails.
    pub fn encode(
        &mut self,
        picture: &Picture<'_>,
        after: Option<Duration>,
        key: bool,
    ) -> Result<Option<Frame<'_>>, Error> {
        if (picture.width_px, picture.height_px) != self.size_px || !picture.is_sound() {
            return Err(Error("the picture has another size".into()));
        }
        let mut strides = [0; 3];
        for (raw, stride) in strides.iter_mut().zip(picture.strides) {
            *raw = i32::try_from(stride).map_err(|_| Error("the picture is too wide".into()))?;
        }
        let raw_picture = ffi::Picture {
            planes: picture.planes.map(<[u8]>::as_ptr),
            strides,
            width: picture.width_px,
            height: picture.height_px,
        };
        let mut frame = ffi::Frame { data: ptr::null(), size: 0, key: 0 };
        // SAFETY: `raw` is a live encoder of this size, and `is_sound` has seen to it that the planes
        // have all rows; the library copies them during the call and writes to none. The string that
        // is returned is valid until the next call.
        unsafe {
            result(ffi::maru_vpx_encode(
                self.raw.as_ptr(),
                &raw const raw_picture,
                after.map_or(0, ticks),
                i32::from(key),
                &raw mut frame,
            ))?;
        }
        if frame.data.is_null() {
            return Ok(None);
        }
        // SAFETY: the shim gives the library's buffer and its length, valid until the next call with
        // this encoder, which the borrow of `self` keeps off.
        let data = unsafe { std::slice::from_raw_parts(frame.data, frame.size) };
        Ok(Some(Frame { data, key: frame.key != 0 }))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: `raw` is a live encoder, and nobody uses it after this.
        unsafe { ffi::maru_vpx_encoder_free(self.raw.as_ptr()) };
    }
}

/// Decodes frames.
pub struct Decoder {
    raw: NonNull<ffi::Decoder>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder that begins with a key frame.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(threads: u32) -> Result<Self, Error> {
        let mut raw = ptr::null_mut();
        // SAFETY: the pointer is to a live value, to which the shim writes a decoder or null. What it
        // returns is a static string.
        unsafe { result(ffi::maru_vpx_decoder_create(threads, &raw mut raw))? };
        let raw = NonNull::new(raw).ok_or_else(|| Error("there is no decoder".into()))?;
        Ok(Self { raw })
    }

    /// Decodes a frame; its size is whatever its key frame says. `None` when it is not to be shown.
    ///
    /// # Errors
    /// When the frame is damaged or refers to what is not there. A later key frame may work.
    pub fn decode(&mut self, data: &[u8]) -> Result<Option<Picture<'_>>, Error> {
        let mut raw = ffi::Picture { planes: [ptr::null(); 3], strides: [0; 3], width: 0, height: 0 };
        // SAFETY: `raw` is a live decoder, the data is as long as is said and read during the call
        // only. The string that is returned is valid until the next call.
        unsafe {
            result(ffi::maru_vpx_decode(self.raw.as_ptr(), data.as_ptr(), data.len(), &raw mut raw))?;
        }
        if raw.planes.iter().any(|plane| plane.is_null()) {
            return Ok(None);
        }
        let (width, height) = (raw.width as usize, raw.height as usize);
        let sizes = plane_sizes(width, height);
        let (mut planes, mut strides) = ([&[][..]; 3], [0; 3]);
        for (index, (row, rows)) in sizes.into_iter().enumerate() {
            let stride =
                usize::try_from(raw.strides[index]).map_err(|_| Error("it is upside down".into()))?;
            if row == 0 || rows == 0 || stride < row {
                return Err(Error("its size makes no sense".into()));
            }
            // SAFETY: the library's plane has `rows` rows of at least `row` bytes, `stride` apart, and
            // is left alone until the next call with this decoder, which the borrow of `self` keeps off.
            planes[index] =
                unsafe { std::slice::from_raw_parts(raw.planes[index], stride * (rows - 1) + row) };
            strides[index] = stride;
        }
        Ok(Some(Picture { planes, strides, width_px: raw.width, height_px: raw.height }))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `raw` is a live decoder, and nobody uses it after this.
        unsafe { ffi::maru_vpx_decoder_free(self.raw.as_ptr()) };
    }
}

impl Picture<'_> {
    /// Whether each plane has all the rows that the size asks for.
    fn is_sound(&self) -> bool {
        let sizes = plane_sizes(self.width_px as usize, self.height_px as usize);
        self.planes.iter().zip(self.strides).zip(sizes).all(|((plane, stride), (row, rows))| {
            let needed = rows.checked_sub(1).and_then(|gaps| stride.checked_mul(gaps)?.checked_add(row));
            row > 0 && stride >= row && needed.is_some_and(|needed| plane.len() >= needed)
        })
    }
}

/// Bytes in a row and rows of each plane.
fn plane_sizes(width: usize, height: usize) -> [(usize, usize); 3] {
    let chroma = (width.div_ceil(2), height.div_ceil(2));
    [(width, height), chroma, chroma]
}

fn kbps(bitrate_bps: u32) -> u32 {
    (bitrate_bps / 1000).max(1)
}

fn frame_ticks(fps: f32) -> u32 {
    ((CLOCK_HZ / fps) as u32).clamp(1, CLOCK_HZ as u32) // a rate that is no number becomes 1
}

/// Of the clock; no more than a second.
fn ticks(time: Duration) -> u32 {
    ((CLOCK_HZ * time.as_secs_f32()) as u32).clamp(1, CLOCK_HZ as u32)
}

/// # Safety
/// `problem` is null or a string that ends with a zero and is valid during the call.
unsafe fn result(problem: *const c_char) -> Result<(), Error> {
    if problem.is_null() {
        return Ok(());
    }
    // SAFETY: as this function's caller promises.
    let problem = unsafe { CStr::from_ptr(problem) };
    Err(Error(problem.to_string_lossy().into_owned()))
}
