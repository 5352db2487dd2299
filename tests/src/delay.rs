//! A way that takes time: packets go into a TUN device and come out of it again later. Who sends them there, and
//! where they go then, is the business of [`crate::routed`].

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

/// Packets on their way at most; more are lost, as in a queue of a router.
const ON_THE_WAY: usize = 20_000;
/// No packet is longer.
const LONGEST: usize = 65_536;

/// Adds a device of this name to a network namespace. What is sent into it comes out after `delay`. It goes with
/// the namespace.
pub(crate) fn add(namespace: &str, name: &str, delay: Duration) -> Result<(), String> {
    let path = Path::new("/var/run/netns").join(namespace);
    let name = name.to_owned();
    // A thread of its own, because that is what moves into a namespace.
    let made = thread::spawn(move || {
        let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        DeviceBuilder::new()
            .name(name)
            .mtu(1500)
            .build_sync()
            .map_err(|error| format!("/dev/net/tun: {error}"))
    });
    let device = made.join().map_err(|_| "a thread panicked")??;
    let device = std::sync::Arc::new(device);
    let (sender, receiver) = mpsc::sync_channel(ON_THE_WAY);
    let out = std::sync::Arc::clone(&device);
    thread::spawn(move || take(&device, delay, &sender));
    thread::spawn(move || give(&out, &receiver));
    Ok(())
}

fn take(device: &SyncDevice, delay: Duration, way: &mpsc::SyncSender<(Instant, Vec<u8>)>) {
    let mut buffer = vec![0; LONGEST];
    while let Ok(length) = device.recv(&mut buffer) {
        if let Err(mpsc::TrySendError::Disconnected(_)) =
            way.try_send((Instant::now() + delay, buffer[..length].to_vec()))
        {
            return;
        }
    }
}

fn give(device: &SyncDevice, way: &mpsc::Receiver<(Instant, Vec<u8>)>) {
    while let Ok((due, packet)) = way.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // What cannot be delivered is lost, as anywhere.
        let _ = device.send(&packet);
    }
}
