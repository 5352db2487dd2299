//! The colour bars that the kernel's `vivid` driver shows, as they should come out.

use maru_media::VideoFrame;

/// 75 % bars of ITU-R BT.471 (white, yellow, cyan, green, magenta, red, blue, black) in BT.601, limited
/// range: Y, U, V.
const BARS: [[u8; 3]; 8] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
    [16, 128, 128],
];
/// By which a driver and a conversion may round together.
const TOLERANCE: u8 = 3;

/// The colour at a place, given in thousandths of the picture's width and height.
pub fn colour(frame: &VideoFrame, across: usize, down: usize) -> [u8; 3] {
    let (x, y) = (frame.width_px() as usize * across / 1000, frame.height_px() as usize * down / 1000);
    let [luma, u, v] = frame.planes();
    let [luma_stride, u_stride, v_stride] = frame.strides();
    [luma[y * luma_stride + x], u[y / 2 * u_stride + x / 2], v[y / 2 * v_stride + x / 2]]
}

/// Whether two colours are the same as far as rounding lets them.
pub fn alike(left: [u8; 3], right: [u8; 3]) -> bool {
    left.iter().zip(right).all(|(left, right)| left.abs_diff(right) <= TOLERANCE)
}

/// Fails unless the picture is the bars, from top to bottom.
pub fn assert_bars(frame: &VideoFrame) {
    let size = (frame.width_px(), frame.height_px());
    for down in [30, 500, 970] {
        let seen: [_; 8] = std::array::from_fn(|bar| colour(frame, bar * 125 + 62, down));
        let right = seen.iter().zip(BARS).all(|(seen, wanted)| alike(*seen, wanted));
        assert!(right, "{size:?} at {down} ‰ of its height: {seen:?} instead of {BARS:?}");
    }
}
