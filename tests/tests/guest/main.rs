//! Guests in real browsers meet an engine: the page comes from a real server, pictures are proven by their
//! time code and sound by its pitch, in both directions.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod figures;
mod files;
mod meeting;
mod meets;
mod negotiation;
mod others;
mod path;
mod quality;
mod realities;
mod sharing;
mod sound;
