//! `shim.h` in Rust.

use std::ffi::c_char;

/// `maru_vpx_encoder`.
#[repr(C)]
pub struct Encoder {
    _opaque: [u8; 0],
}

/// `maru_vpx_decoder`.
#[repr(C)]
pub struct Decoder {
    _opaque: [u8; 0],
}

/// `maru_vpx_settings`.
#[repr(C)]
pub struct Settings {
    pub width: u32,
    pub height: u32,
    pub bitrate_kbps: u32,
    pub frame_ticks: u32,
    pub threads: u32,
    pub speed: u32,
    pub screen: u32,
}

/// `maru_vpx_picture`.
#[repr(C)]
pub struct Picture {
    pub planes: [*const u8; 3],
    pub strides: [i32; 3],
    pub width: u32,
    pub height: u32,
}

/// `maru_vpx_frame`.
#[repr(C)]
pub struct Frame {
    pub data: *const u8,
    pub size: usize,
    pub key: i32,
}

unsafe extern "C" {
    pub fn maru_vpx_encoder_create(settings: *const Settings, out: *mut *mut Encoder) -> *const c_char;
    pub fn maru_vpx_encoder_tune(encoder: *mut Encoder, bitrate_kbps: u32, frame_ticks: u32)
    -> *const c_char;
    pub fn maru_vpx_encode(
        encoder: *mut Encoder,
        picture: *const Picture,
        ticks: u32,
        key: i32,
        out: *mut Frame,
    ) -> *const c_char;
    pub fn maru_vpx_encoder_free(encoder: *mut Encoder);
    pub fn maru_vpx_decoder_create(threads: u32, out: *mut *mut Decoder) -> *const c_char;
    pub fn maru_vpx_decode(
        decoder: *mut Decoder,
        data: *const u8,
        size: usize,
        out: *mut Picture,
    ) -> *const c_char;
    pub fn maru_vpx_decoder_free(decoder: *mut Decoder);
}
