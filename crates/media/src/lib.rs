//! Everything between a device and a packet: frames, codecs, packetization, jitter buffer, mixing,
//! adaptation, voice processing.
//!
//! This crate refuses to know sockets, tokio, webrtc, signaling and real devices. What needs a
//! device takes it through the traits of [`device`]; what needs the time is told it.

pub mod audio;
pub mod device;
mod error;
pub mod frame;
pub mod screen;
pub mod stats;
pub mod sync;
pub mod video;
pub mod voice;

pub use device::{DeviceError, DeviceId, DeviceInfo, DeviceKind, DeviceList, Devices, System};
pub use error::CodecError;
pub use frame::{EncodedFrame, FramePool, LatestFrame, VideoCodec, VideoFrame};
pub use screen::{ScreenError, ScreenKind, ScreenSource, ScreenSourceId};
