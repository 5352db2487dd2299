//! What can go wrong between a device and a packet.

/// What can go wrong with a codec or a picture: each a sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No codec can take pictures of this size.
    #[error(
        "Pictures of {width_px}×{height_px} cannot be encoded. Choose a size with even numbers, \
         from 16×16 to 3840×2160."
    )]
    Size {
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
    },
    /// The picture does not have the size the encoder was made for.
    #[error(
        "The encoder was made for {expected_px:?} and got a picture of {actual_px:?}. Make an \
         encoder for the new size."
    )]
    WrongSize {
        /// Width and height the encoder was made for, in pixels.
        expected_px: (u32, u32),
        /// Width and height of the picture, in pixels.
        actual_px: (u32, u32),
    },
    /// A setting is out of range.
    #[error("The {what} {value} is out of range. Choose one from {range}.")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// What was asked for.
        value: String,
        /// What is possible.
        range: &'static str,
    },
    /// This build does without the codec.
    #[error("This Maru was built without {codec}. Use one that was built with it.")]
    NotBuiltIn {
        /// Which codec.
        codec: &'static str,
    },
    /// The library refuses to work at all.
    #[error("The {codec} {what} does not start: {problem}. Restart Maru; if it stays, reinstall it.")]
    Start {
        /// Which codec.
        codec: &'static str,
        /// Encoder or decoder.
        what: &'static str,
        /// What the library said.
        problem: String,
    },
    /// One frame could not be encoded. The next one may be.
    #[error("A {codec} frame could not be encoded: {problem}. Go on with the next one.")]
    Encode {
        /// Which codec.
        codec: &'static str,
        /// What the library said.
        problem: String,
    },
    /// One video frame could not be decoded. The decoder goes on.
    #[error(
        "A {codec} frame could not be decoded: {problem}. {}",
        if *.key_frame_needed { "Ask the sender for a key frame." } else { "Go on with the next one." }
    )]
    Decode {
        /// Which codec.
        codec: &'static str,
        /// What the library said.
        problem: String,
        /// Whether all further frames are useless until a key frame comes.
        key_frame_needed: bool,
    },
    /// A raw picture does not have the bytes that its format and size ask for.
    #[error(
        "A {format} picture of {width_px}×{height_px} needs {needed} bytes and has {actual}. Choose \
         another camera or another size."
    )]
    Picture {
        /// Which format.
        format: &'static str,
        /// Width in pixels.
        width_px: u32,
        /// Height in pixels.
        height_px: u32,
        /// Bytes needed.
        needed: usize,
        /// Bytes there.
        actual: usize,
    },
}
