//! What a person does and sees on the page, in the app's window or in a browser: elements by the page's
//! documented hooks, and pictures by their pixels.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use serde_json::{Value, json};

use crate::wait::eventually;
use crate::webdriver::Driver;

/// Ample on a busy machine with a debug build.
const LIMIT: Duration = Duration::from_secs(30);

/// Reads the time code of `maru_media::video::timecode` from a canvas or a video: UNIX milliseconds, or
/// null.
const READ_TIME_CODE: &str = r#"
const picture = document.querySelector(arguments[0]);
const width = picture ? (picture.videoWidth ?? picture.width) : 0;
const side = Math.floor(width / 80);
if (side < 4) return null;
const strip = document.createElement("canvas");
strip.width = width;
strip.height = side;
const context = strip.getContext("2d", { willReadFrequently: true });
context.drawImage(picture, 0, 0, width, side, 0, 0, width, side);
const { data } = context.getImageData(0, 0, strip.width, strip.height);
const reach = Math.floor(side / 4), centreY = Math.floor(side / 2);
let time = 0;
for (let cell = 47; cell >= 0; cell--) {
  const centreX = Math.floor(((2 * cell + 1) * width) / 160);
  let sum = 0, count = 0;
  for (let y = centreY - reach; y <= Math.min(centreY + reach, side - 1); y++) {
    for (let x = centreX - reach; x <= centreX + reach; x++) {
      const at = 4 * (y * strip.width + x);
      sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      count++;
    }
  }
  const luma = sum / count;
  if (luma > 90 && luma < 165) return null;
  time = 2 * time + (luma >= 165 ? 1 : 0);
}
return time > 1577836800000 && time < 4102444800000 ? time : null;
"#;

/// The page that a driver shows.
pub struct Page(Driver);

impl Page {
    /// What this driver shows.
    pub fn new(driver: Driver) -> Self {
        Self(driver)
    }

    /// For what a page does not know: its window, its address.
    pub fn driver(&self) -> &Driver {
        &self.0
    }

    /// Waits until an element is there and shown.
    ///
    /// # Panics
    /// When it is not, in time.
    pub async fn see(&self, what: &str, css: &str) {
        eventually(&format!("{what} ({css})"), LIMIT, async || {
            let element = self.0.find(css).await.ok()?;
            self.0.is_displayed(&element).await.ok()?.then_some(())
        })
        .await;
    }

    /// Whether an element is there and shown now.
    pub async fn is_shown(&self, css: &str) -> bool {
        match self.0.find(css).await {
            Ok(element) => self.0.is_displayed(&element).await.unwrap_or(false),
            Err(_) => false,
        }
    }

    /// Waits until no element matches, or only hidden ones.
    ///
    /// # Panics
    /// When one still does after the time allowed.
    pub async fn see_no(&self, what: &str, css: &str) {
        eventually(&format!("no {what} ({css})"), LIMIT, async || {
            let Ok(element) = self.0.find(css).await else { return Some(()) };
            (!self.0.is_displayed(&element).await.unwrap_or(false)).then_some(())
        })
        .await;
    }

    /// Waits until an element shows a text that contains `wanted`.
    ///
    /// # Panics
    /// When it does not, in time.
    pub async fn see_text(&self, css: &str, wanted: &str) {
        eventually(&format!("“{wanted}” in {css}"), LIMIT, async || {
            let element = self.0.find(css).await.ok()?;
            // Not WebDriver's own idea of shown text: it takes a clipped label on a moved tile for hidden.
            self.0.property(&element, "innerText").await.ok()??.contains(wanted).then_some(())
        })
        .await;
    }

    /// Clicks an element as soon as it is shown.
    ///
    /// # Panics
    /// When it never takes the click.
    pub async fn click(&self, css: &str) {
        self.see("something to click", css).await;
        eventually(&format!("a click on {css}"), LIMIT, async || {
            self.0.click(&self.0.find(css).await.ok()?).await.ok()
        })
        .await;
    }

    /// Types into a field, over what is in it, until the field shows it: a page that is just being
    /// shown moves the focus itself, and takes the keys elsewhere.
    ///
    /// # Panics
    /// When the field does not take it in time.
    pub async fn type_into(&self, css: &str, text: &str) {
        self.see("a field", css).await;
        eventually(&format!("“{text}” typed into {css}"), LIMIT, async || {
            let field = self.0.find(css).await.ok()?;
            self.0.clear(&field).await.ok()?;
            self.0.send_keys(&field, text).await.ok()?;
            let typed = self.0.property(&field, "value").await.ok()??;
            (typed == text).then_some(())
        })
        .await;
    }

    /// Presses the Enter key in a field.
    ///
    /// # Panics
    /// When the field does not take it in time.
    pub async fn press_enter(&self, css: &str) {
        /// The key's code point in WebDriver (section 17.4.2).
        const ENTER: &str = "\u{e007}";
        eventually(&format!("Enter pressed in {css}"), LIMIT, async || {
            let field = self.0.find(css).await.ok()?;
            self.0.send_keys(&field, ENTER).await.ok()
        })
        .await;
    }

    /// Joins a room as a person does, and waits for the call's screen.
    ///
    /// # Panics
    /// When the call does not come up in time.
    pub async fn join(&self, room: &str, name: &str) {
        self.type_into("#room", room).await;
        self.type_into("#name", name).await;
        self.click("#join").await;
        self.see("the call", "body[data-screen=call]").await;
    }

    /// Loads the page anew.
    ///
    /// # Panics
    /// When the window refuses.
    pub async fn reload(&self) {
        self.0.refresh().await.expect("the page can be reloaded");
    }

    /// Waits for a picture in a tile that was taken after `after_ms` (UNIX milliseconds, by
    /// its time code), and gives when it was taken.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn picture_after(&self, tile: &str, after_ms: u64) -> u64 {
        let picture = format!("{tile} :is(canvas, video)[data-paint]");
        eventually(&format!("a newer picture with a time code in {tile}"), LIMIT, async || {
            let taken = self.run(READ_TIME_CODE, &[json!(picture)]).await.as_u64()?;
            (taken > after_ms).then_some(taken)
        })
        .await
    }

    /// An attribute of the first element that matches.
    pub async fn attribute(&self, css: &str, name: &str) -> Option<String> {
        self.0.attribute(&self.0.find(css).await.ok()?, name).await.ok()?
    }

    /// Saves what the page shows as `<name>.png` and says where.
    ///
    /// # Panics
    /// When there is nothing to show, or no place for the file.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        // This program is `<target>/debug/deps/<test>`.
        let this = env::current_exe().expect("this program's path");
        let dir = this.ancestors().nth(2).expect("this program is below the target directory");
        let dir = dir.join("screenshots");
        fs::create_dir_all(&dir).expect("a directory for screenshots");
        let file = dir.join(format!("{name}.png"));
        let picture = self.0.screenshot().await.expect("a screenshot");
        fs::write(&file, picture).expect("a file for the screenshot");
        file
    }

    /// Runs a script in the page; null when it fails.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.0.execute(script, arguments).await.unwrap_or(Value::Null)
    }
}
