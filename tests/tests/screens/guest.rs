//! A guest's way, in a real browser on a desk and on a phone.

use maru_tests::browser::{Browser, Devices, Kind};
use maru_tests::server::LocalServer;
use serde_json::{Value, json};

use super::gallery::Gallery;
use super::people::Portraits;

const ROOM: &str = "sunny-otter-42";
const NAME: &str = "Greta Holm";

/// A browser, and what it is told to pretend.
struct Pretender {
    browser: Browser,
    link: String,
}

impl Pretender {
    async fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.browser.driver().chromium(command, parameters).await.unwrap()
    }

    async fn size(&self, width: u32, height: u32, mobile: bool) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.chromium("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Opens the link anew with this script run before the page's own.
    async fn open_with(&self, script: &str) {
        let source = json!({ "source": script });
        let added = self.chromium("Page.addScriptToEvaluateOnNewDocument", source).await;
        self.browser.open("about:blank").await;
        self.browser.open(&self.link).await;
        self.browser.see("the page", "body[data-screen]").await;
        let identifier = json!({ "identifier": added["identifier"] });
        self.chromium("Page.removeScriptToEvaluateOnNewDocument", identifier).await;
    }
}

/// Has the browser refuse camera and microphone with this error.
fn refusing(error: &str) -> String {
    format!("navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}'); }};")
}

pub async fn scenes(gallery: &mut Gallery) {
    let server = LocalServer::start();
    let portraits = Portraits::paint();
    let browser = Browser::start(Kind::Chromium, Devices::Granted).await;
    let link = format!("{}?lang={}", server.link(ROOM), gallery.language().tag());
    let guest = Pretender { browser, link };
    guest.size(960, 640, false).await;

    guest.open_with("").await;
    guest.browser.see("the own picture", "[data-self][data-picture=true]").await;
    let title = ["Join sunny-otter-42", "sunny-otter-42 방에 들어가기"];
    gallery.show(&guest.browser, "guest", "#join-title", title).await;

    for (scene, error, said) in [
        ("guest-denied", "NotAllowedError", ["does not let this page use", "사용을 막고 있어요"]),
        ("guest-busy", "NotReadableError", ["in use by another program", "다른 프로그램이나 페이지가"]),
    ] {
        guest.open_with(&refusing(error)).await;
        gallery.show(&guest.browser, scene, "#notice", said).await;
    }
    let nothing = "navigator.mediaDevices.enumerateDevices = async () => [];";
    guest.open_with(&(refusing("NotFoundError") + nothing)).await;
    let none = ["No camera and no microphone were found", "카메라와 마이크를 찾지 못했어요"];
    gallery.show(&guest.browser, "guest-no-devices", "#notice", none).await;
    guest.open_with("delete window.RTCPeerConnection;").await;
    let cannot = ["Maru cannot start here", "여기서는 Maru를 시작할 수 없어요"];
    gallery.show(&guest.browser, "guest-unsupported", ".stop-screen", cannot).await;

    guest.size(390, 780, true).await;
    guest.open_with("").await;
    guest.browser.type_into("#name", NAME).await;
    gallery.show(&guest.browser, "phone", "#join-title", title).await;
    guest.browser.click("#join").await;
    let first = ["You’re the first one here", "가장 먼저 들어왔어요"];
    gallery.show(&guest.browser, "phone-alone", "#waiting-title", first).await;
    let mira = portraits.join(0, &server.url(), ROOM, "Mira Castellanos").await;
    guest.browser.see("her picture", "[data-peer][data-picture=true]").await;
    guest.browser.see_no("a status", "[data-peer] .tile-status:not([hidden])").await;
    gallery.show(&guest.browser, "phone-call", "[data-peer] .name", ["Mira Castellanos"; 2]).await;
    guest.size(960, 640, false).await;
    gallery.show(&guest.browser, "guest-call", "[data-peer] .name", ["Mira Castellanos"; 2]).await;
    mira.leave().await;
}
