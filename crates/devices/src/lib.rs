//! Cameras, microphones and speakers, real and synthetic, behind the traits of
//! [`maru_media::device`].
//!
//! This crate refuses to know calls, rooms, codecs and networks. What differs between operating
//! systems lives in `platform`; the rest of the crate has no `cfg` for one.

mod camera;
mod hotplug;
mod id;
mod list;
mod lost;
mod platform;
mod poll;
pub mod screen;
mod sound;
mod synthetic;
mod system;
mod traced;
mod watchdog;
mod worker;

pub use system::{Options, SYNTHETIC_ENVIRONMENT, SystemDevices};
