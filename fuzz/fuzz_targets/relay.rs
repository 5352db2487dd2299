//! Anything that comes to the relay: bytes of strangers, and requests of somebody with credentials who
//! asks for what it pleases. No panic, nothing that was not signed is believed, nobody is permitted who
//! must not be reached.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use maru_signaling::fuzzing::relay;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    bytes: &'a [u8],
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Step<'a> {
    method: u8,
    attributes: Vec<(u8, &'a [u8])>,
    any: Option<(u16, &'a [u8])>,
    wait_seconds: u16,
}

fuzz_target!(|input: Input| {
    relay::datagram(input.bytes);
    relay::stream(input.bytes);
    let steps: Vec<_> = input.steps.iter().map(|step| {
        // Mostly what there is: requests 1 to 9, attributes up to 0x22.
        let known = step.attributes.iter().map(|(kind, value)| (u16::from(kind % 0x24), *value));
        (u16::from(step.method % 10), known.chain(step.any).collect(), step.wait_seconds)
    }).collect();
    relay::requests(&steps);
});
