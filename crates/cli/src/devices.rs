//! `maru-cli devices`.

use std::process::ExitCode;

use maru_devices::{Options, SystemDevices};
use maru_media::{DeviceInfo, DeviceList, Devices as _, ScreenError, ScreenKind, ScreenSource};
use serde::Serialize;

/// Everything there is.
#[derive(Serialize)]
struct All {
    #[serde(flatten)]
    devices: DeviceList,
    screens: Vec<ScreenSource>,
    /// Why there are none, where the system says so.
    #[serde(skip)]
    no_screens: Option<ScreenError>,
}

pub async fn run(json: bool) -> anyhow::Result<ExitCode> {
    let look = || {
        let devices = SystemDevices::new(Options::default());
        let (screens, no_screens) = match devices.screens() {
            Ok(screens) => (screens, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        All { devices: devices.list(), screens, no_screens }
    };
    let all = tokio::task::spawn_blocking(look).await?;
    let list = &all.devices;
    if json {
        println!("{}", serde_json::to_string(&all)?);
    } else {
        print("Cameras", &list.cameras);
        print("Microphones", &list.microphones);
        print("Speakers", &list.speakers);
        println!("Screens and windows");
        for screen in &all.screens {
            match screen.kind {
                ScreenKind::Portal => {
                    println!("    what is chosen in the desktop's own dialog  ({})", screen.id)
                }
                _ => println!("    {} ({} × {})  ({})", screen.name, screen.width, screen.height, screen.id),
            }
        }
        match &all.no_screens {
            Some(error) => println!("    none. {error}"),
            None if all.screens.is_empty() => println!("    none"),
            None => {}
        }
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
