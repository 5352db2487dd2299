//! Pictures: conversion, codecs, packets.

pub mod adapt;
pub mod codec;
pub mod convert;
pub mod gate;
pub mod h264;
mod nal;
pub mod receive;
pub mod rtp;
pub mod scale;
pub mod snapshot;
pub mod timecode;
#[cfg(feature = "vp8")]
pub mod vp8;
mod window;

/// What RTP timestamps of pictures count.
pub const CLOCK_RATE_HZ: u32 = 90_000;
