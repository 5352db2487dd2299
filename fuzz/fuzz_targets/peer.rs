//! Anything that a peer may say beside media, and any bytes on a stream to a relay. No panic, nothing that is
//! larger than what it was read from.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use maru_engine::fuzzing::{peer, tunnel};

#[derive(Arbitrary, Debug)]
enum Said<'a> {
    Description { lines: Vec<(u8, &'a str)> },
    Text(&'a str),
    Chat { text: &'a str },
    ChatBytes(&'a [u8]),
    Candidate { address: &'a str, kind: &'a str, rest: &'a str },
    Stream { pieces: Vec<&'a [u8]> },
}

const LINES: [&str; 6] = ["m=video ", "m=audio ", "a=rtpmap:", "a=fmtp:", "a=candidate:", "a="];

fuzz_target!(|said: Said| match said {
    Said::Description { lines } => {
        let lines = lines.iter().map(|(kind, rest)| format!("{}{rest}\r\n", LINES[usize::from(*kind) % LINES.len()]));
        peer::description(&lines.collect::<String>());
    }
    Said::Text(text) => {
        peer::description(text);
        peer::candidate(text);
    }
    Said::Chat { text } => {
        let message = serde_json::json!({ "type": "text", "text": text });
        peer::chat(message.to_string().as_bytes());
    }
    Said::ChatBytes(bytes) => peer::chat(bytes),
    Said::Candidate { address, kind, rest } => {
        peer::candidate(&format!("candidate:1 1 udp 1 {address} 9 typ {kind} {rest}"));
    }
    Said::Stream { pieces } => tunnel::stream(&pieces),
});
