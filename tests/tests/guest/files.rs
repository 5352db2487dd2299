//! Files between an engine and a guest, in both directions. What a browser would save is read from the page; what
//! a person would drop is dropped by a script.

use maru_engine::{Command, FileState, FileView};
use maru_tests::browser::Kind;
use maru_tests::order::First;
use maru_tests::wait::eventually;
use serde_json::json;

use crate::meeting::{LIMIT, Meeting};

/// Keeps what the page hands to the browser's downloads.
const KEEP_DOWNLOADS: &str = "
    window.maruTestDownloads = {};
    let newest;
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => create((newest = blob));
    HTMLAnchorElement.prototype.click = function () { window.maruTestDownloads[this.download] = newest; };";
/// The size and SHA-256 of a download.
const DOWNLOADED: &str = "
    return (async () => {
        const blob = window.maruTestDownloads[arguments[0]];
        if (!blob) return null;
        const bytes = await blob.arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        return [bytes.byteLength, [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')];
    })();";
/// Drops a file on the page; its byte at each place is that place modulo 251.
const DROP: &str = "
    const [name, size] = arguments;
    const dropped = new DataTransfer();
    dropped.items.add(new File([Uint8Array.from({ length: size }, (_, at) => at % 251)], name));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));";

/// Of three million of these bytes.
const SHA256: &str = "4d3870d4655ed773027a713ea136507d22e076248e0e9cc920a996039653b76f";

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

async fn until(meeting: &Meeting, what: &str, name: &str, look: impl Fn(&FileView) -> bool) -> FileView {
    let find = |view: &maru_engine::CallView| {
        view.files.iter().find(|file| file.name == name && look(file)).cloned()
    };
    meeting.engine.until(what, find).await
}

async fn files(kind: Kind, first: First) {
    let meeting = Meeting::of(kind, first).await;
    let (guest, engine) = (&meeting.guest, &meeting.engine);
    guest.run(KEEP_DOWNLOADS, &[]).await;
    guest.click("#chat-toggle").await;

    // From the engine to the guest, who accepts one and declines the other.
    let bytes = content(3_000_000);
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["보고서.bin", "no.bin"] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let picked = engine.engine().pick_file(path).unwrap();
        engine.command(Command::OfferFile { handle: picked.handle }).await;
    }
    guest.see_text("[data-file='1'] .file-name", "보고서.bin").await;
    guest.see_text("[data-file='1'] .file-status", "3 MB").await;
    guest.see("a file that waits for an answer", "[data-file='2'][data-state=offered]").await;
    println!("screenshot: {}", guest.screenshot(&format!("files-{kind:?}")).await.display());
    guest.click("[data-file='2'] .file-buttons button:not(.primary)").await;
    until(&meeting, "declined", "no.bin", |file| file.state == FileState::Declined).await;
    guest.click("[data-file='1'] .file-buttons .primary").await;
    until(&meeting, "through", "보고서.bin", |file| file.state == FileState::Done).await;
    guest.see("a file that is done", "[data-file='1'][data-state=done]").await;
    let downloaded = eventually("a download", LIMIT, async || {
        let said = guest.run(DOWNLOADED, &[json!("보고서.bin")]).await;
        Some((said.get(0)?.as_u64()?, said.get(1)?.as_str()?.to_owned()))
    })
    .await;
    assert_eq!(downloaded, (3_000_000, SHA256.to_owned()));

    // From the guest to the engine.
    guest.run(DROP, &[json!("photo\u{202e}gpj.exe"), json!(2_000_001)]).await;
    let offered = until(&meeting, "an offer", "photogpj.exe", |file| file.state == FileState::Offered).await;
    assert_eq!(offered.size, 2_000_001);
    engine.command(Command::AcceptFile { id: offered.id }).await;
    until(&meeting, "done", "photogpj.exe", |file| file.state == FileState::Done).await;
    assert!(std::fs::read(engine.downloads().join("photogpj.exe")).unwrap() == content(2_000_001));

    // And one that the guest thinks better of.
    guest.run(DROP, &[json!("late.bin"), json!(10)]).await;
    until(&meeting, "an offer", "late.bin", |file| file.state == FileState::Offered).await;
    guest.click("[data-state=offered] .file-buttons button").await;
    until(&meeting, "taken back", "late.bin", |file| file.state == FileState::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_and_an_engine_that_offers_send_each_other_files() {
    files(Kind::Chromium, First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chromium_that_offers_and_an_engine_send_each_other_files() {
    files(Kind::Chromium, First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_and_an_engine_send_each_other_files() {
    files(Kind::Firefox, First::Engine).await;
}
