//! STUN messages: what is written is read back, and nothing else is read at all.

use super::*;

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"key")
}

fn signed() -> Vec<u8> {
    let mut writer = Writer::new(Class::Request, method::CHANNEL_BIND, [7; 12]);
    writer.add(attribute::USERNAME, b"ada");
    writer.add_address(attribute::XOR_PEER_ADDRESS, "[2001:db8::1]:443".parse().unwrap());
    writer.sign(&key());
    writer.finish()
}

#[test]
fn a_message_is_read_as_it_was_written() {
    let bytes = signed();
    let message = Message::read(&bytes).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, method::CHANNEL_BIND));
    assert_eq!(message.transaction(), [7; 12]);
    assert_eq!(message.text(attribute::USERNAME), Some("ada"));
    let peer = message.attribute(attribute::XOR_PEER_ADDRESS).unwrap();
    assert_eq!(message.address(peer), Some("[2001:db8::1]:443".parse().unwrap()));
    assert!(message.is_signed(&key()));
    for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
        for method in [method::BINDING, method::ALLOCATE, method::DATA, 0xFFF] {
            let bytes = Writer::new(class, method, [0; 12]).finish();
            let message = Message::read(&bytes).unwrap();
            assert_eq!((message.class(), message.method()), (class, method));
        }
    }
}

#[test]
fn the_request_of_rfc_5769_is_signed_with_its_password() {
    let request = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
        \x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\
        \x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    let message = Message::read(request).unwrap();
    let password = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"VOkJxbRl1RmTxUk/WvJxBt");
    assert!(message.is_signed(&password), "although there is a FINGERPRINT behind it");
    assert!(!message.is_signed(&key()));
}

#[test]
fn any_bit_that_changes_breaks_the_signature() {
    let bytes = signed();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Message::read(&changed).is_none_or(|message| !message.is_signed(&key())), "bit {bit}");
    }
}

#[test]
fn what_follows_the_signature_is_not_there() {
    let mut writer = Writer::new(Class::Request, method::REFRESH, [1; 12]);
    writer.sign(&key());
    writer.add(attribute::LIFETIME, &[0; 4]);
    let bytes = writer.finish();
    let message = Message::read(&bytes).unwrap();
    assert!(message.is_signed(&key()));
    assert_eq!(message.attribute(attribute::LIFETIME), None);
}

#[test]
fn truncated_messages_and_random_bytes_are_none() {
    let bytes = signed();
    for length in 0..bytes.len() {
        assert!(Message::read(&bytes[..length]).is_none());
    }
    let mut seed = 1_u64;
    for length in 0..2000 {
        let noise = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        let mut noise: Vec<u8> = noise.take(length % 97).collect();
        // Half of them with a head that is right.
        if noise.len() >= HEADER && length % 2 == 0 {
            let rest = (noise.len() - HEADER) as u16;
            noise[0] &= 0x3F;
            noise[2..4].copy_from_slice(&rest.to_be_bytes());
            noise[4..8].copy_from_slice(&COOKIE.to_be_bytes());
        }
        if let Some(message) = Message::read(&noise) {
            let _ = (message.class(), message.method(), message.is_signed(&key()));
            for (_, _, value) in message.attributes() {
                let _ = message.address(value);
            }
        }
    }
}

#[test]
fn a_data_indication_has_its_data_where_they_are_said_to_be() {
    for peer in ["192.0.2.1:9", "[2001:db8::9]:9"] {
        let peer: SocketAddr = peer.parse().unwrap();
        let mut head = [0; 48];
        let length = write_data_head(&mut head, [9; 12], peer, 5);
        let mut bytes = head[..length].to_vec();
        bytes.extend_from_slice(b"hello\0\0\0");
        let message = Message::read(&bytes).unwrap();
        assert_eq!((message.class(), message.method()), (Class::Indication, method::DATA));
        assert_eq!(message.attribute(attribute::DATA), Some(&b"hello"[..]));
        assert_eq!(message.address(message.attribute(attribute::XOR_PEER_ADDRESS).unwrap()), Some(peer));
    }
}
