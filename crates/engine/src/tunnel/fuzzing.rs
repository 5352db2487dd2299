//! A relay's stream, without a relay, for fuzzing.

use bytes::BytesMut;

use super::framing;

/// What comes on a stream, piece by piece.
pub fn stream(pieces: &[&[u8]]) {
    let mut received = BytesMut::new();
    let (mut came, mut taken) = (0, 0);
    for piece in pieces {
        received.extend_from_slice(piece);
        came += piece.len();
        loop {
            match framing::take(&mut received) {
                Ok(Some(message)) => taken += message.len().max(1),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        assert!(taken + received.len() <= came, "more came out than went in");
    }
}
