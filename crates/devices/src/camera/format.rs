//! Chooses, of what a camera offers, what is nearest to what is wanted.

use maru_media::device::VideoFormat;
use nokhwa::utils::{CameraFormat, FrameFormat};

/// Formats that can be converted.
pub const FORMATS: &[FrameFormat] = &[
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::MJPEG,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
    FrameFormat::GRAY,
];

/// The camera's offers, the best one first.
pub fn ranked(offers: &[CameraFormat], wanted: VideoFormat) -> Vec<CameraFormat> {
    let mut offers: Vec<_> = offers
        .iter()
        .filter(|offer| offer.width() > 0 && offer.height() > 0 && offer.frame_rate() > 0)
        .filter(|offer| FORMATS.contains(&offer.format()))
        .map(|offer| (cost(offer, wanted), *offer))
        .collect();
    offers.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    offers.into_iter().map(|(_, offer)| offer).collect()
}

/// How far an offer is from what is wanted. Halving the rate hurts about as much as a third of the
/// pixels: a call that stutters is worse than one that is soft. An uncompressed picture saves the time
/// of decoding a JPEG, but is not worth a smaller or slower one: many cameras offer large
/// uncompressed pictures at a few per second only.
fn cost(offer: &CameraFormat, wanted: VideoFormat) -> f32 {
    let area = |width: u32, height: u32| width as f32 * height as f32;
    let size =
        (area(offer.width(), offer.height()) / area(wanted.width_px.max(1), wanted.height_px.max(1))).log2();
    let size = if size < 0.0 { -3.0 * size } else { 2.0 * size };
    let shape = |width: u32, height: u32| width as f32 / height.max(1) as f32;
    let shape =
        (shape(offer.width(), offer.height()) / shape(wanted.width_px, wanted.height_px)).log2().abs();
    let rate = (offer.frame_rate() as f32 / wanted.fps.max(1) as f32).log2();
    let rate = if rate < 0.0 { -4.0 * rate } else { 0.2 * rate };
    let format = match offer.format() {
        FrameFormat::YUYV | FrameFormat::NV12 => 0.0,
        FrameFormat::RAWRGB | FrameFormat::RAWBGR => 0.2,
        FrameFormat::MJPEG => 0.3,
        FrameFormat::GRAY => 6.0,
    };
    size + 2.0 * shape + rate + format
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(offers: &[(u32, u32, FrameFormat, u32)]) -> (u32, u32, FrameFormat, u32) {
        let offers: Vec<_> = offers
            .iter()
            .map(|(width, height, format, fps)| CameraFormat::new_from(*width, *height, *format, *fps))
            .collect();
        let best = ranked(&offers, VideoFormat::HD)[0];
        (best.width(), best.height(), best.format(), best.frame_rate())
    }

    const YUYV: FrameFormat = FrameFormat::YUYV;
    const MJPEG: FrameFormat = FrameFormat::MJPEG;

    #[test]
    fn uncompressed_is_preferred_where_it_is_as_large_and_fast() {
        let offers = [(1280, 720, MJPEG, 30), (1280, 720, YUYV, 30), (1920, 1080, MJPEG, 30)];
        assert_eq!(best(&offers), (1280, 720, YUYV, 30));
    }

    #[test]
    fn a_usual_usb_camera_delivers_jpeg_at_full_rate() {
        let offers = [
            (640, 480, YUYV, 30),
            (1280, 720, YUYV, 10),
            (1920, 1080, YUYV, 5),
            (640, 480, MJPEG, 30),
            (1280, 720, MJPEG, 30),
            (1280, 720, MJPEG, 60),
            (1920, 1080, MJPEG, 30),
        ];
        assert_eq!(best(&offers), (1280, 720, MJPEG, 30));
    }

    #[test]
    fn smooth_and_smaller_is_better_than_large_and_jerky() {
        assert_eq!(best(&[(640, 480, YUYV, 30), (1280, 720, YUYV, 5)]), (640, 480, YUYV, 30));
    }

    #[test]
    fn larger_is_better_than_much_smaller_and_colour_better_than_grey() {
        assert_eq!(best(&[(640, 360, YUYV, 30), (1920, 1080, YUYV, 30)]), (1920, 1080, YUYV, 30));
        assert_eq!(best(&[(1280, 720, FrameFormat::GRAY, 30), (640, 480, YUYV, 30)]), (640, 480, YUYV, 30));
    }

    #[test]
    fn impossible_offers_are_left_out() {
        let offers = [CameraFormat::new_from(0, 720, YUYV, 30), CameraFormat::new_from(1280, 720, YUYV, 0)];
        assert!(ranked(&offers, VideoFormat::HD).is_empty());
    }
}
