//! Where one TURN message ends and the next begins on a stream (RFC 8656, sections 3.1 and 12.5): by the
//! length that each carries, with padding after channel data.

use std::io;

use bytes::{Bytes, BytesMut};

/// The first bytes of either kind of message, which hold its length.
const PREFIX: usize = 4;
/// The header of a STUN message (RFC 8489, section 5).
const STUN_HEADER: usize = 20;

/// The bytes on a stream of the message that begins so, and those of them that are the message; `None` until
/// there is enough to know.
///
/// # Errors
/// When it is neither STUN nor channel data.
fn extent(start: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(prefix) = start.first_chunk::<PREFIX>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([prefix[2], prefix[3]]));
    match prefix[0] >> 6 {
        0b00 => {
            let whole = STUN_HEADER + length;
            Ok(Some((whole, whole)))
        }
        0b01 => {
            let message = PREFIX + length;
            Ok(Some((message.next_multiple_of(4), message)))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "this is not TURN")),
    }
}

/// Takes the next whole message off what came; `None` until it is whole.
///
/// # Errors
/// When what came is not TURN: nothing after it can be understood.
pub(super) fn take(received: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some((whole, message)) = extent(received)? else { return Ok(None) };
    if received.len() < whole {
        return Ok(None);
    }
    let mut taken = received.split_to(whole).freeze();
    taken.truncate(message);
    Ok(Some(taken))
}

/// Adds a message to what goes out, with its padding.
pub(super) fn put(out: &mut Vec<u8>, message: &[u8]) {
    out.extend_from_slice(message);
    if message.first().is_some_and(|first| first >> 6 == 0b01) {
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stun(payload: &[u8]) -> Vec<u8> {
        let mut message = vec![0x00, 0x01];
        message.extend((payload.len() as u16).to_be_bytes());
        message.extend([0x21, 0x12, 0xa4, 0x42]);
        message.extend([7; 12]);
        message.extend(payload);
        message
    }

    fn channel_data(payload: &[u8]) -> Vec<u8> {
        let mut message = vec![0x40, 0x01];
        message.extend((payload.len() as u16).to_be_bytes());
        message.extend(payload);
        message
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_the_stream_is_cut(
            payloads in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 1..8),
            cut in 1_usize..64,
        ) {
            let messages: Vec<Vec<u8>> = payloads
                .iter()
                .map(|(is_stun, payload)| {
                    // A STUN message's length is a multiple of four (RFC 8489, section 5).
                    let even = &payload[..payload.len() / 4 * 4];
                    if *is_stun { stun(even) } else { channel_data(payload) }
                })
                .collect();
            let mut stream = Vec::new();
            for message in &messages {
                put(&mut stream, message);
            }
            let (mut received, mut came) = (BytesMut::new(), Vec::new());
            for piece in stream.chunks(cut) {
                received.extend_from_slice(piece);
                while let Some(message) = take(&mut received).unwrap() {
                    came.push(message.to_vec());
                }
            }
            prop_assert_eq!(came, messages);
            prop_assert!(received.is_empty());
        }

        #[test]
        fn whatever_comes_nothing_breaks(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut received = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut received) {}
        }
    }

    #[test]
    fn what_is_neither_stun_nor_channel_data_is_an_error() {
        assert!(
            take(&mut BytesMut::from(&b"HTTP/1.1 400"[..])).is_ok_and(|taken| taken.is_none()),
            "too short to say"
        );
        assert!(take(&mut BytesMut::from(&[0x80, 0, 0, 1, 0][..])).is_err());
    }
}
