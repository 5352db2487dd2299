//! Where in a buffer a picture lies. Whatever the desktop claims, the length decides.

use maru_media::video::convert::{PixelFormat, RawPicture};

/// What is smaller cannot be encoded.
const MIN_SIDE_PX: u32 = 16;
const BYTES_PER_PIXEL: usize = 4;

/// The format of all pictures, until there is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How a pixel lies in memory.
    pub pixels: PixelFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

/// The part of a picture that is shown, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// Where in a buffer's memory the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where it begins, in bytes.
    pub offset: usize,
    /// From one row to the next, in bytes; 0 when rows follow each other without padding.
    pub stride: usize,
}

/// The picture in this memory; `None` where there is none that could be encoded.
pub fn find<'a>(
    memory: &'a [u8],
    format: Format,
    chunk: Chunk,
    part: Option<Part>,
) -> Option<RawPicture<'a>> {
    let whole = Part { x: 0, y: 0, width: format.width_px, height: format.height_px };
    let part = part.filter(|part| part.width > 0 && part.height > 0).unwrap_or(whole);
    let width = part.width.min(format.width_px.checked_sub(part.x)?);
    let height = part.height.min(format.height_px.checked_sub(part.y)?);
    let stride = if chunk.stride == 0 { format.width_px as usize * BYTES_PER_PIXEL } else { chunk.stride };
    let before = (part.y as usize).checked_mul(stride)?.checked_add(part.x as usize * BYTES_PER_PIXEL)?;
    let data = memory.get(chunk.offset.checked_add(before)?..)?;
    // The padding behind a row is read too, which the last row of a part may not have.
    let rows = u32::try_from(data.len().checked_div(stride)?).unwrap_or(u32::MAX);
    // What encodes it needs even sides: a row too few is better than all of them blurred.
    let (width_px, height_px) = (width & !1, height.min(rows) & !1);
    let large_enough = width_px.min(height_px) >= MIN_SIDE_PX;
    large_enough.then_some(RawPicture {
        format: format.pixels,
        width_px,
        height_px,
        stride: Some(stride),
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { pixels: PixelFormat::Bgrx32, width_px: 41, height_px: 33 };
    const TIGHT: Chunk = Chunk { offset: 0, stride: 0 };

    fn size(picture: Option<RawPicture<'_>>) -> Option<(u32, u32)> {
        picture.map(|picture| (picture.width_px, picture.height_px))
    }

    #[test]
    fn a_picture_is_where_its_offset_and_its_stride_say() {
        let memory: Vec<u8> = (0..200 * 34).map(|index| (index % 251) as u8).collect();
        let picture = find(&memory, FORMAT, Chunk { offset: 200, stride: 200 }, None).unwrap();
        assert_eq!((picture.width_px, picture.height_px, picture.stride), (40, 32, Some(200)));
        assert_eq!(picture.data[0], 200);
        assert_eq!(size(find(&memory[..41 * 4 * 33], FORMAT, TIGHT, None)), Some((40, 32)));
    }

    #[test]
    fn of_a_window_in_a_larger_buffer_only_the_window_is_seen() {
        let memory = vec![0; 41 * 4 * 33];
        let part = Part { x: 3, y: 2, width: 20, height: 18 };
        let picture = find(&memory, FORMAT, TIGHT, Some(part)).unwrap();
        assert_eq!((picture.width_px, picture.height_px), (20, 18));
        assert_eq!(memory.len() - picture.data.len(), 2 * 41 * 4 + 3 * 4);
        let at_the_end = Part { x: 3, y: 13, width: 38, height: 20 };
        assert_eq!(
            size(find(&memory, FORMAT, TIGHT, Some(at_the_end))),
            Some((38, 18)),
            "without the last row"
        );
        let none = Part { x: 0, y: 0, width: 0, height: 0 };
        assert_eq!(size(find(&memory, FORMAT, TIGHT, Some(none))), Some((40, 32)), "no part is all of it");
    }

    #[test]
    fn what_the_memory_does_not_hold_is_no_picture() {
        let memory = vec![0; 41 * 4 * 33];
        let far = Part { x: 50, y: 0, width: 20, height: 20 };
        let all = usize::MAX;
        for (chunk, part) in [
            (Chunk { offset: memory.len() + 1, stride: 0 }, None),
            (Chunk { offset: all, stride: all }, None),
            (Chunk { offset: 0, stride: all }, Some(Part { x: 1, y: 1, width: 20, height: 20 })),
            (TIGHT, Some(far)),
        ] {
            assert_eq!(size(find(&memory, FORMAT, chunk, part)), None, "{chunk:?}");
        }
        let short = &memory[..41 * 4 * 20];
        assert_eq!(size(find(short, FORMAT, TIGHT, None)), Some((40, 20)));
    }
}
