//! The TypeScript declarations that the page checks against are generated from the Rust types.

use std::fs;
use std::path::{Path, PathBuf};

use maru_engine::{Command, Event, NetworkFinding, NoticeCode, Sentence, VideoKind};
use maru_protocol::{ClientMessage, ServerMessage};
use ts_rs::{Config, TS};

use crate::commands::{OfferedScreen, QrCode, Start};
use crate::drops::FileDrop;
use crate::page::News;
use crate::support::Diagnostics;
use crate::words::Words;

const FILES: [&str; 4] = ["protocol.d.ts", "media.d.ts", "engine.d.ts", "shell.d.ts"];

fn generate(dir: &Path) {
    let config = Config::new().with_out_dir(dir);
    Start::export_all(&config).unwrap();
    FileDrop::export_all(&config).unwrap();
    QrCode::export_all(&config).unwrap();
    OfferedScreen::export_all(&config).unwrap();
    News::export_all(&config).unwrap();
    Diagnostics::export_all(&config).unwrap();
    Words::export_all(&config).unwrap();
    Command::export_all(&config).unwrap();
    VideoKind::export_all(&config).unwrap();
    Event::export_all(&config).unwrap();
    NetworkFinding::export_all(&config).unwrap();
    // A notice holds these two, but in looser types.
    NoticeCode::export_all(&config).unwrap();
    Sentence::export_all(&config).unwrap();
    ClientMessage::export_all(&config).unwrap();
    ServerMessage::export_all(&config).unwrap();
}

/// The generator writes one field per line with blanks at line ends; tidied, so that no editor
/// or check stumbles over them.
fn tidied(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_declarations_of_the_page_are_those_of_the_rust_types() {
    let fresh = std::env::temp_dir().join(format!("maru-types-{}", std::process::id()));
    generate(&fresh);
    let checked_in = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("ui/types");
    // `cargo xtask types` sets this.
    let write = std::env::var_os("MARU_WRITE_TYPES").is_some();
    for name in FILES {
        let fresh = tidied(&fresh.join(name));
        let file = checked_in.join(name);
        if write {
            fs::create_dir_all(&checked_in).unwrap();
            fs::write(&file, &fresh).unwrap();
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(found == fresh, "{} is out of date: run `cargo xtask types`", file.display());
    }
    let generated = fs::read_dir(&fresh).unwrap().count();
    fs::remove_dir_all(&fresh).unwrap();
    assert_eq!(generated, FILES.len(), "a type is exported to a file that is not listed here");
}
