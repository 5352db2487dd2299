//! Pictures: conversion, codecs, packets.

pub mod adapt;
pub mod codec;
pub mod convert;
mod depacket;
pub mod gate;
pub mod h264;
mod nal;
pub mod packet;
pub mod receive;
pub mod scale;
pub mod snapshot;
pub mod timecode;
mod window;
