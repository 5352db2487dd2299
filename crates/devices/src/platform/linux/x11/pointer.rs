//! The pointer, drawn into pictures that the X server leaves it out of.

use x11rb::protocol::xfixes::{ConnectionExt as _, GetCursorImageReply};
use x11rb::rust_connection::RustConnection;

use super::{BYTES_PER_PIXEL, Refused};

/// The pointer as it was seen last.
#[derive(Default)]
pub struct Pointer {
    image: Option<GetCursorImageReply>,
}

impl Pointer {
    /// Looks at it; true when it moved or looks otherwise.
    pub fn look(&mut self, connection: &RustConnection) -> Result<bool, Refused> {
        let image = connection.xfixes_get_cursor_image()?.reply()?;
        let state = |image: &GetCursorImageReply| (image.x, image.y, image.cursor_serial);
        let changed = self.image.as_ref().map(state) != Some(state(&image));
        self.image = Some(image);
        Ok(changed)
    }

    /// Draws it into a picture of B G R X pixels of this size, which begins at that place of the screen.
    pub fn draw(&self, data: &mut [u8], size: (usize, usize), at: (i16, i16)) {
        let Some(image) = &self.image else { return };
        let columns = usize::from(image.width);
        if columns == 0 {
            return;
        }
        // Its picture begins above and left of where it points.
        let left = i32::from(image.x) - i32::from(image.xhot) - i32::from(at.0);
        let top = i32::from(image.y) - i32::from(image.yhot) - i32::from(at.1);
        for (row, pixels) in image.cursor_image.chunks(columns).enumerate() {
            let Some(y) = place(top, row, size.1) else { continue };
            for (column, pixel) in pixels.iter().enumerate() {
                let Some(x) = place(left, column, size.0) else { continue };
                let start = (y * size.0 + x) * BYTES_PER_PIXEL;
                if let Some(target) = data.get_mut(start..start + 3) {
                    blend(target, *pixel);
                }
            }
        }
    }
}

fn place(start: i32, offset: usize, limit: usize) -> Option<usize> {
    let place = usize::try_from(start + i32::try_from(offset).ok()?).ok()?;
    (place < limit).then_some(place)
}

/// Puts a pixel over another one; its colours were multiplied with its opacity already.
fn blend(target: &mut [u8], pixel: u32) {
    let [blue, green, red, opacity] = pixel.to_le_bytes();
    for (under, over) in target.iter_mut().zip([blue, green, red]) {
        let rest = u32::from(*under) * (255 - u32::from(opacity)) / 255;
        *under = u8::try_from(rest + u32::from(over)).unwrap_or(u8::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(x: i16, y: i16) -> Pointer {
        let image = GetCursorImageReply {
            x,
            y,
            width: 2,
            height: 2,
            xhot: 1,
            yhot: 1,
            cursor_image: vec![0xff00_00ff, 0, 0, 0x8000_0000],
            ..Default::default()
        };
        Pointer { image: Some(image) }
    }

    #[test]
    fn a_pointer_is_drawn_where_it_points_and_what_is_outside_is_not() {
        let mut data = vec![200; 4 * 4 * 4];
        pointer(11, 21).draw(&mut data, (4, 4), (10, 20));
        assert_eq!(data[..4], [255, 0, 0, 200], "a blue pixel, opaque");
        assert_eq!(data[4..8], [200; 4], "a pixel that is not there");
        assert_eq!(data[(4 + 1) * 4], 99, "half of what was below");
        let before = data.clone();
        pointer(0, 0).draw(&mut data, (4, 4), (10, 20));
        pointer(i16::MAX, i16::MIN).draw(&mut data, (4, 4), (10, 20));
        assert_eq!(data, before);
    }
}
