//! The same page shared by one Chromium with another, on the page that Maru gives its guests.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::server::LocalServer;
use maru_tests::usage::ComputingTime;
use serde_json::{Value, json};

use crate::share::{RATES, REST, ROOM, SCROLL_PX, SHARP_DB, SHARP_LIMIT, SHARPNESS, SPAN};
use crate::sheet::{HEIGHT_PX, Sheet, WIDTH_PX};

/// A page with a canvas in the place of a screen.
const PAGE: &str = include_str!("page.js");
const SHARPENS: &str = include_str!("sharpens.js");
const AGES: &str = include_str!("../guest/ages.js");
/// Keeps the page's connections within reach.
const CONNECTIONS: &str = "
    const Ordinary = window.RTCPeerConnection;
    window.maruTestConnections = [];
    window.RTCPeerConnection = class extends Ordinary {
        constructor(wanted) {
            super(wanted);
            window.maruTestConnections.push(this);
        }
    };";
/// Bytes of the pictures that are sent and larger than a camera's, and in which codec.
const SENT: &str = "
    return (async () => {
        const sent = [];
        for (const connection of window.maruTestConnections) {
            const stats = await connection.getStats();
            for (const stat of stats.values()) {
                if (stat.type !== 'outbound-rtp' || stat.kind !== 'video' || !(stat.frameWidth > 1280)) continue;
                sent.push({ bytes: stat.bytesSent, codec: stats.get(stat.codecId)?.mimeType });
            }
        }
        return sent[0] ?? null;
    })();";

struct Pair {
    first: Guest,
    second: Guest,
}

impl Pair {
    async fn bytes(&self) -> f64 {
        self.first.run(SENT, &[]).await["bytes"].as_f64().unwrap_or(0.0)
    }

    async fn measure(&self, what: &str, fps: u32) {
        self.first.run("window.maruTestPage.scroll(...arguments)", &[json!(fps), json!(SCROLL_PX)]).await;
        let processes = [self.first.processes(), self.second.processes()].concat();
        let (bytes, computing) = (self.bytes().await, ComputingTime::of(&processes));
        let millis = json!(SPAN.as_millis() as u64);
        let mut ages = Vec::new();
        if fps == 0 {
            tokio::time::sleep(SPAN).await; // a rest of this length
        } else {
            let seen = self.second.driver().execute(AGES, &[json!(".share"), millis]).await.unwrap();
            ages = seen["ages"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        }
        let percent = computing.percent();
        let kbps = (self.bytes().await - bytes) * 8.0 / 1000.0 / SPAN.as_secs_f64();
        self.first.run("window.maruTestPage.scroll(0)", &[]).await;
        ages.sort_by(f64::total_cmp);
        let at = |share: usize| {
            ages.get(ages.len() * share / 100).map_or_else(String::new, |age| format!("{age} ms"))
        };
        let shown = ages.len() as f64 / SPAN.as_secs_f64();
        println!("| Chromium | {what} | {shown:.1} | {} | {} | {kbps:.0} | {percent:.0} % |", at(50), at(95));
    }

    /// Waits until what was shown at this moment is sharp.
    async fn sharpens(&self, sheet: &Sheet, taken: u64) -> Value {
        let limit = SHARP_LIMIT.as_millis() as u64;
        let arguments = [json!(url(sheet)), json!(taken), json!(SHARP_DB), json!(limit)];
        self.second.driver().execute(SHARPENS, &arguments).await.unwrap()
    }

    async fn show(&self, top: u32) -> u64 {
        self.first.run("return window.maruTestPage.show(...arguments)", &[json!(top)]).await.as_u64().unwrap()
    }
}

fn url(sheet: &Sheet) -> String {
    format!("data:image/png;base64,{}", BASE64.encode(fs::read(sheet.png()).unwrap()))
}

/// Prints the same tables.
pub async fn measure(sheet: &Sheet) {
    let server = LocalServer::start();
    let join = async |name| {
        let guest = Guest::open(Kind::Chromium, &server, ROOM, name).await;
        guest.run(CONNECTIONS, &[]).await;
        guest.join_again().await;
        guest
    };
    let (first, second) = (join("Greta").await, join("Olga").await);
    let pair = Pair { first, second };
    for guest in [&pair.first, &pair.second] {
        guest.see("the other's picture", "[data-peer][data-picture=true]").await;
    }
    tokio::time::sleep(REST).await; // the call finds its rate
    println!("\n{RATES}");
    let screen = [json!(url(sheet)), json!(WIDTH_PX), json!(HEIGHT_PX)];
    pair.first.driver().execute(PAGE, &screen).await.unwrap();
    pair.measure("nothing is shared", 0).await;
    // A canvas that rests from the start gives no picture at all.
    pair.first.run("window.maruTestPage.scroll(5, 0)", &[]).await;
    pair.first.click("#share[aria-pressed=false]").await;
    pair.second.see("a shared screen", ".share[data-picture=true]").await;
    pair.first.run("window.maruTestPage.scroll(0)", &[]).await;
    let begun = pair.show(0).await;
    let mut seen = vec![("a share begins, from its second picture on", pair.sharpens(sheet, begun).await)];
    tokio::time::sleep(REST).await; // what makes it sharp is no part of its rest
    pair.measure("it rests", 0).await;
    pair.show(HEIGHT_PX).await;
    tokio::time::sleep(REST).await; // it is sharp and rests
    let begun = pair.show(0).await;
    seen.push(("another page", pair.sharpens(sheet, begun).await));
    for fps in [5, 15, 30] {
        pair.measure(&format!("scrolled, {fps} a second"), fps).await;
    }
    let begun = pair.show(0).await;
    seen.push(("the end of scrolling", pair.sharpens(sheet, begun).await));
    let codec = pair.first.run(SENT, &[]).await["codec"].as_str().unwrap_or_default().to_owned();
    println!("\n{SHARPNESS}");
    for (what, seen) in &seen {
        println!("{}", row(sheet, &codec, what, seen));
    }
}

fn row(sheet: &Sheet, codec: &str, what: &str, seen: &Value) -> String {
    let ms = |name: &str| seen[name].as_f64().map_or_else(|| "never".to_owned(), |ms| format!("{ms:.0} ms"));
    let words = |name: &str| {
        let png = seen[name].as_str().and_then(|url| url.split_once(',')).unwrap().1;
        format!("{:.1} %", sheet.words_in(&BASE64.decode(png).unwrap()) * 100.0)
    };
    let best = seen["best"].as_f64().unwrap_or_default();
    let (first, sharp) = (ms("first"), ms("sharp"));
    format!(
        "| Chromium, {codec} | {what} | {first} | {} | {sharp} ({best:.0} dB) | {} |",
        words("firstPng"),
        words("sharpPng")
    )
}
