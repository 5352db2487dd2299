//! A guest: a person who opened a room's link in a browser. What such a page lacks for a test, pictures
//! that say when they were taken, is put in place of the browser's camera; everything else is as it is.

use std::ops::Deref;
use std::time::Duration;

use serde_json::json;

use crate::browser::{Browser, Devices, Kind};
use crate::server::LocalServer;
use crate::wait::eventually;

/// Ample on a busy machine.
const LIMIT: Duration = Duration::from_secs(45);

/// Puts a canvas with a time code in place of the camera. A new size turns the picture that is being sent.
const PAINT: &str = include_str!("camera.js");
/// Puts a canvas with a time code in place of what could be shared.
const SCREEN: &str = include_str!("screen.js");
/// The pitch of what comes from a peer, in Hz; 0 for silence, null while nothing comes.
const LISTEN: &str = include_str!("listen.js");

/// Has the page use relayed paths only.
const RELAY_ONLY: &str = "
    const Ordinary = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Ordinary {
        constructor(wanted) {
            super({ ...wanted, iceTransportPolicy: 'relay' });
            window.maruTestConnection = this;
        }
    };";
/// The kind of the own candidate on the path in use.
const PATH: &str = "
    const stats = await window.maruTestConnection.getStats();
    const all = [...stats.values()];
    const transport = all.find((stat) => stat.type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId) ?? all.find((stat) => stat.selected);
    return stats.get(pair.localCandidateId).candidateType;";

/// The last device in a picker that is not the chosen one.
const ANOTHER_DEVICE: &str = "
    const options = [...document.querySelector(arguments[0]).options];
    return options.findLast((option) => option.value !== '' && !option.selected)?.value ?? null;";

/// A browser with the guest's page in it.
pub struct Guest {
    browser: Browser,
    name: String,
}

impl Guest {
    /// Opens a room's link and joins.
    ///
    /// # Panics
    /// When it does not get in.
    pub async fn join(kind: Kind, server: &LocalServer, room: &str, name: &str) -> Self {
        Self::join_with(kind, Devices::Granted, server, room, name).await
    }

    /// As [`Self::join`], with what the browser lets the page do.
    ///
    /// # Panics
    /// When it does not get in.
    pub async fn join_with(
        kind: Kind,
        devices: Devices,
        server: &LocalServer,
        room: &str,
        name: &str,
    ) -> Self {
        let browser = Browser::start(kind, devices).await;
        browser.open(&server.link(room)).await;
        let guest = Self { browser, name: name.to_owned() };
        guest.join_again().await;
        guest
    }

    /// Opens a room's link without joining.
    pub async fn open(kind: Kind, server: &LocalServer, room: &str, name: &str) -> Self {
        Self::open_at(kind, &server.link(room), name).await
    }

    /// As [`Self::open`], with the whole link.
    pub async fn open_at(kind: Kind, link: &str, name: &str) -> Self {
        let browser = Browser::start(kind, Devices::Granted).await;
        browser.open(link).await;
        Self { browser, name: name.to_owned() }
    }

    /// Lets the page use relayed paths only; to be called before it joins.
    pub async fn relay_only(&self) {
        self.run(RELAY_ONLY, &[]).await;
    }

    /// The kind of the page's own candidate on the path in use, after [`Self::relay_only`].
    pub async fn own_candidate(&self) -> String {
        let script = format!("return (async () => {{ {PATH} }})();");
        self.run(&script, &[]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Joins the room that the page is at.
    ///
    /// # Panics
    /// When it does not get in.
    pub async fn join_again(&self) {
        self.type_into("#name", &self.name).await;
        self.click("#join").await;
        self.see("the call", "body[data-screen=call]").await;
    }

    /// Has the camera take pictures of this size with a time code in them, from now on.
    ///
    /// # Panics
    /// When the camera cannot be opened anew.
    pub async fn paint(&self, width_px: u32, height_px: u32) {
        let size = [json!(width_px), json!(height_px)];
        self.driver().execute(PAINT, &size).await.expect("a canvas in place of the camera");
        self.see("the camera on", "#camera[aria-pressed=false]").await;
        self.click("#camera").await;
        self.see("the camera off", "#camera[aria-pressed=true]").await;
        self.click("#camera").await;
        self.see("the camera on again", "#camera[aria-pressed=false]").await;
    }

    /// Turns the picture that [`Self::paint`] began, as a phone does that is turned.
    ///
    /// # Panics
    /// When there is none.
    pub async fn turn(&self, width_px: u32, height_px: u32) {
        let size = [json!(width_px), json!(height_px)];
        self.driver().execute(PAINT, &size).await.expect("the picture turns");
    }

    /// Shares a screen of this size with a time code on it.
    ///
    /// # Panics
    /// When it cannot be shared.
    pub async fn share(&self, width_px: u32, height_px: u32) {
        let size = [json!(width_px), json!(height_px)];
        self.driver().execute(SCREEN, &size).await.expect("a canvas in place of the screen");
        self.click("#share[aria-pressed=false]").await;
        self.see("the own share", "#sharing").await;
    }

    /// Ends the share as the browser's own bar does.
    pub async fn end_share(&self) {
        self.run("window.maruTestScreen.end()", &[]).await;
        self.see_no("own share", "#sharing").await;
    }

    /// Waits for a tone of this pitch from a peer.
    ///
    /// # Panics
    /// When it is not heard in time.
    pub async fn hear(&self, peer: &str, pitch_hz: f64) {
        eventually(&format!("{pitch_hz} Hz from a peer"), LIMIT, async || {
            let heard = self.run(LISTEN, &[json!(peer)]).await.as_f64()?;
            ((heard - pitch_hz).abs() < 15.0).then_some(())
        })
        .await;
    }

    /// Chooses another device in a picker, and gives its value.
    ///
    /// # Panics
    /// When there is no other one.
    pub async fn choose_another(&self, picker: &str) -> String {
        let value = eventually("another device", LIMIT, async || {
            self.run(ANOTHER_DEVICE, &[json!(picker)]).await.as_str().map(str::to_owned)
        })
        .await;
        if !self.is_shown(picker).await {
            self.click("#devices").await;
        }
        self.click(&format!("{picker} option[value=\"{value}\"]")).await;
        value
    }

    /// What is chosen in a picker.
    pub async fn chosen(&self, picker: &str) -> Option<String> {
        self.driver().property(&self.driver().find(picker).await.ok()?, "value").await.ok()?
    }

    /// Says something in the chat.
    ///
    /// # Panics
    /// When the field does not take it.
    pub async fn say(&self, text: &str) {
        self.type_into("#chat-input", text).await;
        self.press_enter("#chat-input").await;
    }

    /// Ends the browser as a crash does.
    pub fn kill(self) {
        self.browser.kill();
    }
}

impl Deref for Guest {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}
