//! A peer that says and sends anything about files, to a person who does anything. No panic, nothing beyond what was
//! agreed on.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use maru_engine::fuzzing::files::Desk;
use serde_json::json;

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Text(&'a [u8]),
    Hello { live: Vec<u8> },
    Offer { id: u8, name: &'a str, size: u64 },
    Accept { id: u8, offset: u16 },
    Got { id: u8, offset: u16 },
    Done { id: u8, digest: u8 },
    Received { id: u8 },
    Withdraw { id: u8, reason: &'a str },
    Refuse { id: u8, reason: &'a str },
    Bytes(&'a [u8]),
    Chunk { id: u8, offset: u16, bytes: &'a [u8] },
    Chosen { which: u8, wanted: bool },
    Ours,
    Again { seconds: u8 },
}

fuzz_target!(|steps: Vec<Step>| {
    let mut desk = Desk::default();
    for step in steps {
        let said = match step {
            Step::Text(text) => {
                desk.said(text);
                continue;
            }
            Step::Bytes(bytes) => {
                desk.sent(bytes);
                continue;
            }
            Step::Chunk { id, offset, bytes } => {
                let id = u32::from(id).to_be_bytes();
                desk.sent(&[&id[..], &u64::from(offset).to_be_bytes(), bytes].concat());
                continue;
            }
            Step::Chosen { which, wanted } => {
                desk.chosen(which, wanted);
                continue;
            }
            Step::Ours => {
                desk.offer();
                continue;
            }
            Step::Again { seconds } => {
                desk.again_after(seconds);
                continue;
            }
            Step::Hello { live } => json!({ "type": "hello", "live": live }),
            Step::Offer { id, name, size } => json!({ "type": "offer", "id": id, "name": name, "size": size }),
            Step::Accept { id, offset } => json!({ "type": "accept", "id": id, "offset": offset }),
            Step::Got { id, offset } => json!({ "type": "got", "id": id, "offset": offset }),
            Step::Done { id, digest } => {
                json!({ "type": "done", "id": id, "sha256": format!("{digest:02x}").repeat(32) })
            }
            Step::Received { id } => json!({ "type": "received", "id": id }),
            Step::Withdraw { id, reason } => json!({ "type": "withdraw", "id": id, "reason": reason }),
            Step::Refuse { id, reason } => json!({ "type": "refuse", "id": id, "reason": reason }),
        };
        desk.said(said.to_string().as_bytes());
    }
});
