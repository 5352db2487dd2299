//! Speech to measure with, from espeak-ng: the same words every time.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::signal::{at_level, resample};

const RATE_HZ: u32 = 48_000;

/// Who speaks, and what (sentences of the Harvard list).
const FAR: (&str, &str) = (
    "en-us",
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell \
     the depth of a well. These days a chicken leg is a rare dish. Rice is often served in round bowls. The \
     juice of lemons makes fine punch. The box was thrown beside the parked truck. The hogs were fed chopped \
     corn and garbage. Four hours of steady work faced us. A large size in stockings is hard to sell.",
);
const NEAR: (&str, &str) = (
    "en-gb+f3",
    "The boy was there when the sun rose. A rod is used to catch pink salmon. The source of the huge river is \
     the clear spring. Kick the ball straight and follow through. Help the woman get back to her feet. A pot \
     of tea helps to pass the evening. Smoky fires lack flame and heat. The soft cushion broke the man's fall.",
);

/// Two voices at 48 kHz, each at −26 dBFS.
pub struct Speech {
    /// Of who is far away.
    pub far: Vec<f32>,
    /// Of who is at the microphone.
    pub near: Vec<f32>,
}

impl Speech {
    /// Has both spoken, with files in this directory.
    pub fn speak(directory: &Path) -> Result<Self> {
        Ok(Self { far: voice(directory, "far", FAR)?, near: voice(directory, "near", NEAR)? })
    }
}

fn voice(directory: &Path, name: &str, (voice, words): (&str, &str)) -> Result<Vec<f32>> {
    let path = directory.join(format!("{name}.wav"));
    let done = Command::new("espeak-ng")
        .args(["-v", voice, "-s", "150", "-w"])
        .arg(&path)
        .arg(words)
        .status()
        .context("espeak-ng does not start: install the package espeak-ng")?;
    ensure!(done.success(), "espeak-ng failed");
    let mut reader = hound::WavReader::open(&path)?;
    let rate = reader.spec().sample_rate;
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| sample.map(|sample| f32::from(sample) / 32_768.0))
        .collect::<Result<_, _>>()?;
    Ok(at_level(&resample(&samples, f64::from(rate) / f64::from(RATE_HZ)), -26.0))
}

/// Writes 16-bit mono at 48 kHz.
pub fn write_wav(path: &Path, samples: &[f32]) -> Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16)?;
    }
    Ok(writer.finalize()?)
}
