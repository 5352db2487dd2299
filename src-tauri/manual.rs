//! The manual page is generated from the options, and checked in where bundles take it from.

use std::fs;
use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::options::Options;

#[test]
fn the_manual_page_says_what_the_options_are() {
    let mut page = Vec::new();
    // Without the version: the page would change with each release and say nothing new.
    let command = Options::command().version(None::<&str>).disable_version_flag(true);
    clap_mangen::Man::new(command).manual("Maru").source("Maru").render(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
    let file = root.join("src-tauri/bundle/linux/maru.1");
    // `cargo xtask types` sets this.
    if std::env::var_os("MARU_WRITE_TYPES").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == page, "{} is out of date: run `cargo xtask types`", file.display());
}
