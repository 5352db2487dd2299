//! Playing and writing `.wav` files, good and bad ones.

use std::f32::consts::TAU;
use std::fs;
use std::time::Duration;

use maru_media::audio::ring::ring;
use tempfile::TempDir;

use super::super::clock::tick;
use super::super::open_wav_sink;
use super::super::sounds::BLOCKS;
use super::*;
use crate::lost::Lost;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    (folder, path)
}

/// Writes a second of a sine of 440 Hz at half of full scale, the same in all channels.
fn write_sine(path: &Path, spec: WavSpec) {
    let mut writer = WavWriter::create(path, spec).unwrap();
    for index in 0..spec.sample_rate {
        let sample = 0.5 * (TAU * 440.0 * index as f32 / spec.sample_rate as f32).sin();
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(sample).unwrap(),
                SampleFormat::Int => {
                    let full = (1_i64 << (spec.bits_per_sample - 1)) as f64;
                    writer.write_sample((f64::from(sample) * full) as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
}

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, float: bool) -> WavSpec {
    let sample_format = if float { SampleFormat::Float } else { SampleFormat::Int };
    WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

fn play(source: &mut WavSource, blocks: u64) -> Vec<f32> {
    let mut sound = Vec::new();
    for slot in 1..=blocks {
        let mut block = [0.0; BLOCK];
        source.block(&tick(BLOCKS, slot - 1, slot), &mut block).unwrap();
        sound.extend(block);
    }
    sound
}

/// Upward crossings of zero per second, and the peak.
fn pitch_and_peak(sound: &[f32]) -> (f32, f32) {
    let crossings = sound.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    let peak = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    (crossings as f32 * RATE_HZ as f32 / sound.len() as f32, peak)
}

fn error(path: &Path) -> String {
    WavSource::open(path).err().unwrap().to_string()
}

#[test]
fn every_kind_of_sample_rate_and_channel_count_sounds_the_same_and_loops() {
    let kinds = [
        spec(1, 48_000, 16, false),
        spec(2, 44_100, 16, false),
        spec(1, 8_000, 8, false),
        spec(6, 96_000, 24, false),
        spec(2, 48_000, 32, false),
        spec(2, 22_050, 32, true),
    ];
    for kind in kinds {
        let (_folder, path) = folder();
        write_sine(&path, kind);
        let mut source = WavSource::open(&path).unwrap();
        let sound = play(&mut source, 250);
        // Without the resampler's first and the file's looped edges it is the sine.
        let (pitch, peak) = pitch_and_peak(&sound[RATE_HZ / 10..]);
        assert!((pitch - 440.0).abs() < 3.0, "{kind:?}: {pitch} Hz");
        assert!((0.45..0.6).contains(&peak), "{kind:?}: {peak}");
    }
}

#[test]
fn each_flaw_of_a_sound_file_is_named() {
    let (_folder, path) = folder();
    write_sine(&path, spec(1, 48_000, 16, false));
    let good = fs::read(&path).unwrap();
    let with = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        error(&path)
    };
    let cut = with(&good[..good.len() - 100]);
    assert!(cut.contains("cut off: 95900 of 96000 bytes"), "{cut}");
    assert!(with(&good[..20]).contains("cut off"), "{}", with(&good[..20]));
    assert!(with(b"").contains("cut off"));
    assert!(with(b"YUV4MPEG2 W16 H8 F25:1\nFRAME\n and so on and on").contains("not a proper .wav file"));
    write_sine(&path, spec(1, 1_000, 16, false));
    assert!(error(&path).contains("1000 Hz"));
    WavWriter::create(&path, spec(1, 48_000, 16, false)).unwrap().finalize().unwrap();
    assert!(error(&path).contains("no sound in it"));
}

#[test]
fn a_missing_file_is_named() {
    let missing = error(Path::new("no/such/sound.wav"));
    assert!(missing.contains("no/such/sound.wav"), "{missing}");
    assert!(missing.contains("cannot be used as a microphone"));
}

#[test]
fn infinite_samples_do_not_spoil_the_sound_behind_them() {
    let (_folder, path) = folder();
    let mut writer = WavWriter::create(&path, spec(1, 44_100, 32, true)).unwrap();
    for sample in [f32::INFINITY, f32::NAN, 1e30, 0.25] {
        for _ in 0..1000 {
            writer.write_sample(sample).unwrap();
        }
    }
    writer.finalize().unwrap();
    let sound = play(&mut WavSource::open(&path).unwrap(), 20);
    assert!(sound.iter().all(|sample| sample.abs() < 2.0));
}

#[test]
fn a_file_being_written_can_be_read_before_it_is_finished() {
    let (_folder, path) = folder();
    let mut sink = WavSink::create(&path).unwrap();
    assert_eq!(WavReader::open(&path).unwrap().duration(), 0);
    for _ in 0..FLUSH_BLOCKS {
        sink.block(&[0.5; BLOCK]).unwrap();
    }
    // As a killed process would: nothing is finalised.
    std::mem::forget(sink);
    let reader = WavReader::open(&path).unwrap();
    assert_eq!(reader.duration() as usize, FLUSH_BLOCKS as usize * BLOCK);
}

#[test]
fn what_a_dropped_speaker_was_given_is_all_in_its_file() {
    let (_folder, path) = folder();
    let (mut producer, consumer) = ring(RATE_HZ);
    producer.push(&[0.5; 4 * BLOCK]);
    let text = path.display().to_string();
    let speaker = open_wav_sink(text, consumer, Lost::new(Box::new(|_| {}))).unwrap();
    assert!(producer.wait_below(0, Duration::from_secs(10)));
    drop(speaker);
    let samples: Vec<i16> = WavReader::open(&path).unwrap().samples().map(Result::unwrap).collect();
    assert_eq!(samples.iter().filter(|sample| **sample == 16_384).count(), 4 * BLOCK);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let error = WavSink::create(Path::new("no/such/folder/out.wav")).err().unwrap().to_string();
    assert!(error.contains("out.wav cannot be used as a speaker: "), "{error}");
}
