//! The header line of a `.y4m` file.

use super::super::clock::Rate;

/// Larger pictures than this are no camera's.
const SIDE_LIMIT: u32 = 8192;
/// Faster than this is no camera either.
const FPS_LIMIT: u32 = 240;

/// How chroma is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// Half the width, half the height.
    Quarter,
    /// Half the width.
    Half,
    /// As large as luma.
    Full,
    /// Not at all.
    None,
}

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Pictures per second.
    pub rate: Rate,
    /// How chroma is stored.
    pub chroma: Chroma,
    /// Whether values use all of 0 to 255.
    pub full_range: bool,
}

impl Header {
    /// Reads the header line, without its end.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let line = std::str::from_utf8(line).unwrap_or_default();
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err("it is not a .y4m file: it does not begin with “YUV4MPEG2”".to_owned());
        }
        let mut header = Self {
            width_px: 0,
            height_px: 0,
            rate: Rate { slots: 0, seconds: 0 },
            chroma: Chroma::Quarter,
            full_range: false,
        };
        for word in words {
            let Some(tag) = word.chars().next() else { continue };
            let value = &word[tag.len_utf8()..];
            match tag {
                'W' => header.width_px = number(value, "width")?,
                'H' => header.height_px = number(value, "height")?,
                'F' => header.rate = rate(value)?,
                'C' => header.chroma = chroma(value)?,
                'X' if value == "COLORRANGE=FULL" => header.full_range = true,
                // Interlacing and the shape of pixels change nothing in what is stored; X is free text.
                _ => {}
            }
        }
        let sides = 2..=SIDE_LIMIT;
        if !sides.contains(&header.width_px) || !sides.contains(&header.height_px) {
            return Err(format!(
                "its pictures are {} × {} pixels; Maru takes 2 to {SIDE_LIMIT} each way",
                header.width_px, header.height_px
            ));
        }
        if header.rate.seconds == 0 {
            return Err("its header does not say how many pictures a second it has".to_owned());
        }
        Ok(header)
    }

    /// Width and height of a chroma plane.
    pub fn chroma_size(&self) -> (usize, usize) {
        let (width, height) = (self.width_px as usize, self.height_px as usize);
        match self.chroma {
            Chroma::Quarter => (width.div_ceil(2), height.div_ceil(2)),
            Chroma::Half => (width.div_ceil(2), height),
            Chroma::Full => (width, height),
            Chroma::None => (0, 0),
        }
    }

    /// Bytes of one picture in the file.
    pub fn picture_bytes(&self) -> usize {
        let (width, height) = self.chroma_size();
        self.width_px as usize * self.height_px as usize + 2 * width * height
    }
}

fn number(text: &str, what: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("its header gives “{text}” as the {what}"))
}

fn rate(text: &str) -> Result<Rate, String> {
    let parts = text.split_once(':').and_then(|(slots, seconds)| {
        Some(Rate { slots: slots.parse().ok()?, seconds: seconds.parse().ok()? })
    });
    let possible = |rate: &Rate| {
        rate.slots > 0
            && rate.seconds > 0
            && rate.slots / FPS_LIMIT <= rate.seconds
            && rate.seconds / 60 <= rate.slots
    };
    parts.filter(possible).ok_or_else(|| format!("its header gives “{text}” as the pictures per second"))
}

fn chroma(text: &str) -> Result<Chroma, String> {
    match text {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(Chroma::Quarter),
        "422" => Ok(Chroma::Half),
        "444" => Ok(Chroma::Full),
        "mono" => Ok(Chroma::None),
        _ => Err(format!("its pixels are of the kind “{text}”; Maru takes 420, 422, 444 and mono of 8 bits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_as_common_tools_write_it_is_read() {
        let line = b"YUV4MPEG2 W1280 H720 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=FULL";
        let header = Header::parse(line).unwrap();
        assert_eq!((header.width_px, header.height_px), (1280, 720));
        assert_eq!(header.rate, Rate { slots: 30_000, seconds: 1001 });
        assert!(header.full_range);
        assert_eq!(header.picture_bytes(), 1280 * 720 * 3 / 2);
        assert_eq!(Header::parse(b"YUV4MPEG2 W3 H3 F25:1").unwrap().picture_bytes(), 9 + 2 * 4);
    }

    #[test]
    fn each_flaw_of_a_header_is_named() {
        let flaws: [(&[u8], &str); 10] = [
            (b"RIFF", "begin with"),
            (b"\xff\xfe", "begin with"),
            (b"YUV4MPEG2 W1280 F30:1", "1280 × 0"),
            (b"YUV4MPEG2 W99999 H720 F30:1", "99999 × 720"),
            (b"YUV4MPEG2 Wx H720 F30:1", "“x” as the width"),
            (b"YUV4MPEG2 W1280 H720", "pictures a second"),
            (b"YUV4MPEG2 W1280 H720 F30:0", "“30:0”"),
            (b"YUV4MPEG2 W1280 H720 F0:1", "“0:1”"),
            (b"YUV4MPEG2 W1280 H720 F4000000000:1", "“4000000000:1”"),
            (b"YUV4MPEG2 W1280 H720 F30:1 C420p10", "“420p10”"),
        ];
        for (line, part) in flaws {
            let problem = Header::parse(line).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }
}
