//! `maru-cli devices`.

use std::process::ExitCode;

use maru_devices::{Options, SystemDevices};
use maru_media::{DeviceInfo, Devices as _};

pub async fn run(json: bool) -> anyhow::Result<ExitCode> {
    let list = tokio::task::spawn_blocking(|| SystemDevices::new(Options::default()).list()).await?;
    if json {
        println!("{}", serde_json::to_string(&list)?);
    } else {
        print("Cameras", &list.cameras);
        print("Microphones", &list.microphones);
        print("Speakers", &list.speakers);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(title: &str, devices: &[DeviceInfo]) {
    println!("{title}");
    for device in devices {
        let mark = if device.default { "*" } else { " " };
        println!("  {mark} {}  ({})", device.label(), device.id);
    }
    if devices.is_empty() {
        println!("    none");
    }
}
