//! What PipeWire is told about the pictures that can be used: packed colours in shared memory, of any size. No
//! modifiers of a graphics card's memory are offered: mapping that memory is slow, where it can be mapped at all.

use std::io::Cursor;

use maru_media::screen::SCREEN_MAX_FPS;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::VideoFormat;
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::sys;
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Fraction, Id, Rectangle, SpaTypes};

/// More than any screen has; what is larger makes no picture either.
const MAX_SIDE_PX: u32 = 16_384;

/// A parameter as it is sent.
pub struct Param(Vec<u8>);

impl Param {
    fn new(object: Object) -> Option<Self> {
        let written = PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object));
        written.ok().map(|(bytes, _)| Self(bytes.into_inner()))
    }

    /// For PipeWire.
    pub fn pod(&self) -> Option<&Pod> {
        Pod::from_bytes(&self.0)
    }
}

/// The formats, best first: at no more pictures a second than are used, and at any rate for desktops that do not
/// let anybody choose.
pub fn formats() -> Vec<Param> {
    let formats = [Some(SCREEN_MAX_FPS), None].into_iter().map(format);
    formats.filter_map(Param::new).collect()
}

fn format(max_fps: Option<u32>) -> Object {
    let side = |px| Rectangle { width: px, height: px };
    let fps = |num| Fraction { num, denom: 1 };
    let mut format = object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::BGRA,
            VideoFormat::RGBx,
            VideoFormat::RGBA,
        ),
        property!(
            FormatProperties::VideoSize,
            Choice,
            Range,
            Rectangle,
            Rectangle { width: 1920, height: 1080 },
            side(1),
            side(MAX_SIDE_PX)
        ),
        // 0 is what comes when something changes.
        property!(FormatProperties::VideoFramerate, Choice, Range, Fraction, fps(0), fps(0), fps(1000)),
    );
    if let Some(max) = max_fps {
        format.properties.push(property!(
            FormatProperties::VideoMaxFramerate,
            Choice,
            Range,
            Fraction,
            fps(max),
            fps(1),
            fps(max)
        ));
    }
    format
}

/// Once there is a format: how its pictures are handed over, and what has to be known of each.
pub fn buffers() -> Vec<Param> {
    let memory = (1 << sys::SPA_DATA_MemFd) | (1 << sys::SPA_DATA_MemPtr);
    let kinds = ChoiceEnum::Flags { default: memory, flags: vec![] };
    let kinds = Value::Choice(ChoiceValue::Int(Choice(ChoiceFlags::empty(), kinds)));
    let buffers = object!(
        SpaTypes::ObjectParamBuffers,
        ParamType::Buffers,
        Property::new(sys::SPA_PARAM_BUFFERS_dataType, kinds),
    );
    // A window is often a part of a buffer; a picture may be marked as broken.
    let crop = (sys::SPA_META_VideoCrop, size_of::<sys::spa_meta_region>());
    let header = (sys::SPA_META_Header, size_of::<sys::spa_meta_header>());
    let metas = [crop, header].map(|(kind, size)| {
        object!(
            SpaTypes::ObjectParamMeta,
            ParamType::Meta,
            Property::new(sys::SPA_PARAM_META_type, Value::Id(Id(kind))),
            Property::new(sys::SPA_PARAM_META_size, Value::Int(i32::try_from(size).unwrap_or(0))),
        )
    });
    [buffers].into_iter().chain(metas).filter_map(Param::new).collect()
}
