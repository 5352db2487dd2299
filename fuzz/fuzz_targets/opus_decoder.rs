//! Payloads that may be anything into the Opus decoder, as sound, as FEC and as deep redundancy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use maru_media::audio::opus::{Decoder, MAX_PACKET_SAMPLES, packet_samples, repeats_previous};

fuzz_target!(|payloads: Vec<&[u8]>| {
    let mut decoder = Decoder::new().expect("a decoder");
    let mut out = vec![0.0; MAX_PACKET_SAMPLES];
    for payload in payloads {
        let told = packet_samples(payload);
        if let Ok(samples) = decoder.decode(payload, &mut out) {
            assert_eq!(told, Some(samples));
        }
        if repeats_previous(payload) {
            let _ = decoder.decode_fec(payload, &mut out[..960]);
        }
        let reach = decoder.find_redundancy(payload, 9_600);
        if reach >= 960 {
            decoder.decode_redundancy(960, &mut out[..960]).expect("what was found");
        }
        decoder.conceal(&mut out[..480]).expect("a length that is possible");
        assert!(out.iter().all(|sample| sample.is_finite()));
    }
});
