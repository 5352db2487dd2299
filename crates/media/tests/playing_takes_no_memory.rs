//! Nothing on the way from packets to samples takes memory once it runs, whatever the network does.
#![allow(clippy::unwrap_used)]

mod network {
    pub use self::path::*;
    #[path = "mod.rs"]
    mod path;
    pub mod voice;
}

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::jitter::JitterBuffer;

thread_local! {
    /// What this thread took while it counted; `None` while it does not.
    static TAKEN: Cell<Option<usize>> = const { Cell::new(None) };
}

struct Counting;

fn count() {
    TAKEN.with(|taken| taken.set(taken.get().map(|count| count + 1)));
}

// SAFETY: everything is passed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn playing_takes_and_gives_back_no_memory() {
    let packets = network::voice::packets(1000, |encoder| {
        encoder.set_dtx(true).unwrap();
        encoder.set_bitrate(80_000).unwrap();
        encoder.set_expected_loss(20).unwrap();
        encoder.set_redundancy(20).unwrap();
    });
    let path = network::Path {
        loss: 0.2,
        burst: 3.0,
        jitter_ms: 150.0,
        reorder: true,
        duplicates: 0.1,
        ..network::Path::default()
    };
    let mut arrivals = path.arrivals(1000, 20.0).into_iter().peekable();
    let start = Instant::now();
    let mut buffer = JitterBuffer::new().unwrap();
    let mut out = [0.0; SAMPLES_10_MS];
    let mut spent = Vec::with_capacity(1000);
    for tick in 0..2000 {
        let at = f64::from(tick) * 10.0 + 3.7;
        while let Some((arrival, packet)) = arrivals.next_if(|(arrival, _)| *arrival <= at) {
            let now = start + Duration::from_secs_f64(arrival / 1e3);
            let payload = packets[packet].clone();
            TAKEN.set(Some(0));
            buffer.push(now, packet as u16, packet as u32 * 960, payload);
            assert_eq!(TAKEN.take(), Some(0), "packet {packet} came");
        }
        TAKEN.set(Some(0));
        buffer.pull(start + Duration::from_secs_f64(at / 1e3), &mut out);
        while let Some(payload) = buffer.take_spent() {
            spent.push(payload);
        }
        assert_eq!(TAKEN.take(), Some(0), "10 ms at {at} ms");
        spent.clear();
    }
    let stats = buffer.stats();
    assert!(stats.packets_recovered > 50 && stats.concealed_samples > 10_000, "{stats:?}");
    assert!(stats.inserted_samples_for_deceleration > 500, "{stats:?}");
}
