//! Every screen that a person may meet can be reached, in each language, and says what it is; and the pictures of
//! all of them in `docs/screens`, which `cargo xtask screenshots` makes. No picture is compared with another one:
//! that would test the fonts.
#![cfg(all(target_os = "linux", feature = "browsers"))]
#![allow(clippy::unwrap_used)]

mod app;
mod gallery;
mod guest;
mod people;
mod scenes;
mod strict;

use gallery::{Gallery, Language};
use scenes::{SCENES, docs};
use tokio::sync::Mutex;

/// One window or browser at a time.
static MACHINE: Mutex<()> = Mutex::const_new(());

async fn every_screen(language: Language) {
    let _machine = MACHINE.lock().await;
    let mut gallery = Gallery::without_pictures(language);
    app::scenes(&mut gallery).await;
    guest::scenes(&mut gallery).await;
    gallery.is_complete();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_can_be_reached_and_says_what_it_is_in_english() {
    every_screen(Language::English).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_screen_can_be_reached_and_says_what_it_is_in_korean() {
    every_screen(Language::Korean).await;
}

#[test]
fn every_screen_has_a_picture_and_a_line_in_the_docs() {
    let folder = gallery::folder();
    for scene in SCENES {
        let picture = folder.join(scene.file());
        assert!(picture.is_file(), "{} is missing: `cargo xtask screenshots`", picture.display());
    }
    let written = std::fs::read_to_string(folder.with_extension("md")).unwrap();
    assert_eq!(written, docs(), "docs/screens.md is not current: `cargo xtask screenshots`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "makes pictures: cargo xtask screenshots"]
async fn pictures_of_every_screen() {
    let _machine = MACHINE.lock().await;
    let mut gallery = Gallery::with_pictures();
    for language in [Language::English, Language::Korean] {
        gallery.turn_to(language);
        app::scenes(&mut gallery).await;
        guest::scenes(&mut gallery).await;
        gallery.is_complete();
    }
    gallery.hang().await;
    std::fs::write(gallery::folder().with_extension("md"), docs()).unwrap();
}
