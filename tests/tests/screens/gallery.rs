//! What was seen so far, and its pictures where they are wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maru_tests::browser::{Browser, Devices, Kind};
use maru_tests::page::Page;
use maru_tests::wait::eventually;
use serde_json::json;

use super::scenes::{Place, SCENES, Scene};

const SCHEME: &str = include_str!("scheme.js");
/// What an element says, if it is laid out at all.
const SHOWN: &str = "
    const found = document.querySelector(arguments[0]);
    return found && found.getClientRects().length > 0 ? found.innerText : null;";
/// Ample on a busy machine with a debug build.
const LIMIT: Duration = Duration::from_secs(30);
const SHEET: &str = include_str!("sheet.js");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Korean,
}

impl Language {
    /// As the page's address and its storage have it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }
}

/// Says the same in English and in Korean.
pub type Said = [&'static str; 2];

pub struct Gallery {
    language: Language,
    seen: BTreeSet<&'static str>,
    /// By scene, in PNG: English light and dark, Korean light and dark. `None` where none are wanted.
    pictures: Option<BTreeMap<&'static str, Vec<Vec<u8>>>>,
}

/// Where the pictures are in the repository.
pub fn folder() -> PathBuf {
    // Asked when the tests run: checkouts may share what is built.
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("../docs/screens")
}

impl Gallery {
    pub fn without_pictures(language: Language) -> Self {
        Self { language, seen: BTreeSet::new(), pictures: None }
    }

    pub fn with_pictures() -> Self {
        Self { pictures: Some(BTreeMap::new()), ..Self::without_pictures(Language::English) }
    }

    pub fn turn_to(&mut self, language: Language) {
        self.language = language;
        self.seen.clear();
    }

    pub fn language(&self) -> Language {
        self.language
    }

    /// The one of the two that is in this language.
    pub fn said(&self, said: Said) -> &'static str {
        said[self.language as usize]
    }

    /// Waits until the page says it in this place, and takes the pictures.
    pub async fn show(&mut self, page: &Page, name: &str, css: &str, said: Said) {
        let scene =
            SCENES.iter().find(|scene| scene.name == name).unwrap_or_else(|| panic!("no scene {name}"));
        let wanted = self.said(said);
        eventually(&format!("{name}: “{wanted}” in {css}"), LIMIT, async || {
            page.run(SHOWN, &[json!(css)]).await.as_str()?.contains(wanted).then_some(())
        })
        .await;
        self.seen.insert(scene.name);
        let Some(pictures) = &mut self.pictures else { return };
        for scheme in ["light", "dark"] {
            page.driver().execute(SCHEME, &[json!(scheme)]).await.unwrap();
            pictures.entry(scene.name).or_default().push(page.driver().screenshot().await.unwrap());
        }
        eprintln!("{name} ({})", self.language.tag());
    }

    /// # Panics
    /// When a scene was not shown.
    pub fn is_complete(&self) {
        let missing: Vec<_> =
            SCENES.iter().map(|scene| scene.name).filter(|name| !self.seen.contains(name)).collect();
        assert!(missing.is_empty(), "not reached: {missing:?}");
    }

    /// Writes each scene's pictures as one. The browser draws and encodes: it can do that already.
    pub async fn hang(self) {
        fs::create_dir_all(folder()).unwrap();
        let browser = Browser::start(Kind::Chromium, Devices::Granted).await;
        for (name, pictures) in self.pictures.unwrap_or_default() {
            let scene: &Scene = SCENES.iter().find(|scene| scene.name == name).unwrap();
            let (width_px, columns) = if scene.place == Place::Phone { (300, 4) } else { (800, 2) };
            let files: Vec<_> = pictures.iter().map(|png| BASE64_STANDARD.encode(png)).collect();
            let drawn =
                browser.driver().execute(SHEET, &[json!(files), json!(width_px), json!(columns)]).await;
            let sheet = BASE64_STANDARD.decode(drawn.unwrap().as_str().unwrap()).unwrap();
            fs::write(folder().join(scene.file()), sheet).unwrap();
        }
    }
}
