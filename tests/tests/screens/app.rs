//! A person's way through the app, in its real window.

use std::net::SocketAddr;
use std::process::{Command as Program, Stdio};

use maru_engine::Command;
use maru_media::ScreenSourceId;
use maru_tests::process::Group;
use maru_tests::programs;
use maru_tests::server::LocalServer;
use maru_tests::window::AppWindow;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::gallery::Gallery;
use super::people::{Ghost, Portraits};
use super::strict::{Strict, of_another_time};

const ROOM: &str = "sunny-otter-42";
const NAME: &str = "Ada Lindqvist";
const LONG_NAME: &str = "Wolfeschlegelsteinhausenbergerdorff Hubert of Philadelphia";
/// Presses a button, also one that is covered by what appears when one points at it.
const PRESS: &str = "const button = document.querySelector(arguments[0]); button.focus(); button.click();";
/// Of the window, in pixels.
const SIZE: (u32, u32) = (960, 640);

/// A listener that answers every connection with this, or with nothing at all.
async fn stranger(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(answer.as_bytes()).await;
            if answer.is_empty() {
                open.push(socket);
            }
        }
    });
    address
}

async fn open(gallery: &Gallery, server: &LocalServer, settings: serde_json::Value) -> AppWindow {
    let window = AppWindow::open(&server.url(), settings).await;
    window.driver().resize(SIZE.0, SIZE.1).await.unwrap();
    let tag = json!(gallery.language().tag());
    window.run("localStorage.setItem('maru.language', arguments[0])", &[tag]).await;
    window.reload().await;
    window.see("the join screen", "body[data-screen=join]").await;
    window.see("the own picture", "[data-self] canvas[data-paint]").await;
    window
}

pub async fn scenes(gallery: &mut Gallery) {
    let mut server = LocalServer::start();
    let portraits = Portraits::paint();
    // Nothing but the camera: a first start has no settings.
    let camera = portraits.id(3);
    let window = open(gallery, &server, json!({ "camera": camera })).await;
    before_the_call(gallery, &window, &mut server).await;
    in_the_call(gallery, &window, &mut server, &portraits).await;
    window.end().await;

    let recent = ["sunny-otter-42", "book club", "family dinner", "독서 모임"];
    let settings = json!({ "name": NAME, "room": "book club", "recent_rooms": recent, "camera": camera });
    let window = open(gallery, &server, settings).await;
    gallery.show(&window, "returning", "#recent-rooms", ["family dinner"; 2]).await;
    window.end().await;
}

async fn before_the_call(gallery: &mut Gallery, window: &AppWindow, server: &mut LocalServer) {
    gallery.show(window, "first-start", "#new-room", ["New room", "새 방"]).await;

    window.type_into("#name", NAME).await;
    window.click("#join").await;
    gallery.show(window, "no-room", "#notice", ["The room name is empty", "방 이름이 비어 있어요"]).await;
    window.click("#notice .notice-dismiss").await;

    window.type_into("#room", ROOM).await;
    for switch in ["#mute", "#camera"] {
        window.click(switch).await;
        window.see("a switch", &format!("{switch}[aria-pressed=true]")).await;
    }
    let off = ["Your camera is off", "카메라가 꺼져 있어요"];
    gallery.show(window, "camera-off", "#join-self .tile-status", off).await;
    for switch in ["#mute", "#camera"] {
        window.click(switch).await;
        window.see("a switch", &format!("{switch}[aria-pressed=false]")).await;
    }
    window.see("the own picture", "[data-self][data-picture=true]").await;

    window.click("#advanced summary").await;
    gallery.show(window, "settings", "#advanced", ["Server", "서버"]).await;
    window.click("#advanced summary").await;

    window.click("#check-open").await;
    window.see("the question", "[data-answer=true]").await;
    window.click("[data-answer=true]").await;
    window.see("the end of the check", "#check-again:not([hidden])").await;
    gallery.show(window, "check", "#check-steps", ["Reached in", "만에"]).await;
    window.click("#check-close").await;

    let silent = stranger("").await;
    window.type_into("#room", &format!("http://{silent}/garden")).await;
    window.click("#join").await;
    gallery.show(window, "joining", "#join-cancel", ["Cancel", "취소"]).await;
    // On a busy machine it may have been given up meanwhile.
    window.run("document.querySelector('#join-cancel').click()", &[]).await;
    window.see("the form again", "#join-fields:not([disabled])").await;

    let other = stranger("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    window.type_into("#room", &format!("http://{other}/garden")).await;
    window.click("#join").await;
    gallery.show(window, "not-maru", "#notice .notice-action", ["Change the server", "서버 바꾸기"]).await;
    window.click("#notice .notice-dismiss").await;

    let private = LocalServer::start_private("open-sesame");
    for (scene, address, said) in [
        ("other-version", of_another_time().await, ["of another version of Maru", "다른 버전의 Maru예요"]),
        ("private", private.address(), ["This server is private", "비공개 서버예요"]),
    ] {
        window.type_into("#room", &format!("http://{address}/garden")).await;
        window.click("#join").await;
        gallery.show(window, scene, "#notice", said).await;
        window.click("#notice .notice-dismiss").await;
    }

    window.type_into("#room", ROOM).await;
    server.kill().await;
    window.click("#join").await;
    gallery.show(window, "unreachable", "#notice .notice-action", ["Try again", "다시 하기"]).await;
    server.restart();
    window.click("#notice .notice-dismiss").await;

    let limit = maru_protocol::Limits::default().peers_per_room;
    let mut ghosts = Vec::new();
    for number in 0..limit {
        ghosts.push(Ghost::join(&server.url(), "book club", &format!("Reader {number}")).await);
    }
    window.type_into("#room", "book club").await;
    window.click("#join").await;
    gallery.show(window, "room-full", "#notice", ["The room is full", "방이 가득 찼어요"]).await;
    window.click("#notice .notice-dismiss").await;
}

async fn in_the_call(
    gallery: &mut Gallery,
    window: &AppWindow,
    server: &mut LocalServer,
    portraits: &Portraits,
) {
    window.join(ROOM, NAME).await;
    window.see("the link", "#waiting .copy-link").await;
    window.see("its QR code", "#waiting .qr").await;
    window.see("the own picture", "#stage [data-self] canvas[data-paint]").await;
    let first = ["You’re the first one here", "가장 먼저 들어왔어요"];
    gallery.show(window, "alone", "#waiting-title", first).await;

    let ghost = Ghost::join(&server.url(), ROOM, "Jonas Okafor").await;
    gallery.show(window, "connecting", "[data-peer] .tile-status", ["Connecting…", "연결하는 중…"]).await;
    ghost.leave().await;
    let left = ["Everybody else has left", "다른 사람은 모두 나갔어요"];
    gallery.show(window, "everybody-left", "#waiting-title", left).await;

    let mira = portraits.join(0, &server.url(), ROOM, "Mira Castellanos").await;
    window.see("her picture", "[data-peer][data-picture=true]").await;
    window.see_no("a status", "[data-peer] .tile-status:not([hidden])").await;
    gallery.show(window, "two", "[data-peer] .name", ["Mira Castellanos"; 2]).await;

    window.click("#chat-toggle").await;
    for text in ["Did you see the new mark?", "It is clear at 16 pixels too 🎉"] {
        mira.command(Command::SendChat { text: text.into() }).await;
        window.see_text("#chat-log", text).await;
    }
    window.type_into("#chat-input", "Lovely! 정말 예뻐요").await;
    window.press_enter("#chat-input").await;
    gallery.show(window, "chat", "#chat-log", ["Lovely! 정말 예뻐요"; 2]).await;
    window.click("#chat-close").await;
    window.click("#devices").await;
    gallery.show(window, "devices", "#devices-panel", ["Camera and sound", "카메라와 소리"]).await;
    window.click("#invite").await;
    window.see("the QR code", "#invite-panel .qr").await;
    gallery.show(window, "invite", "#invite-panel", ["Invite others", "다른 사람 초대하기"]).await;
    window.click("#invite-close").await;

    window.run(PRESS, &[json!("[data-peer] .connection-toggle")]).await;
    gallery.show(window, "connection", "#connection-figures", ["OpenH264"; 2]).await;
    window.run(PRESS, &[json!("[data-peer] .connection-toggle")]).await;
    window.see_no("panel", "#connection-panel").await;

    window.click("#share").await;
    window.see("something to share", "#picker [role=option]").await;
    gallery
        .show(window, "share-picker", "#picker", ["What do you want to share?", "무엇을 공유할까요?"])
        .await;
    window.press_enter("#picker [role=option]").await;
    mira.until_peer("sharing", NAME, |peer| peer.sharing).await;
    gallery.show(window, "sharing", "#sharing", ["You’re sharing", "공유 중이에요"]).await;
    window.click("#stop-sharing").await;
    window.see_no("what is shared", "#sharing").await;

    mira.command(Command::StartShare { source: ScreenSourceId::new("text") }).await;
    window.see("her screen", ".share canvas[data-paint]").await;
    gallery.show(window, "share", ".share-title", ["Mira Castellanos"; 2]).await;
    mira.command(Command::StopShare).await;
    window.see_no("shared screen", ".share").await;

    mira.command(Command::SetMuted { muted: true }).await;
    mira.command(Command::SetCameraOff { camera_off: true }).await;
    window.see("her camera off", "[data-peer][data-camera-off=true][data-muted=true]").await;
    gallery.show(window, "without-camera", "[data-peer] .avatar", ["MC"; 2]).await;

    mira.command(Command::SetCameraOff { camera_off: false }).await;
    let theo = portraits.join(1, &server.url(), ROOM, LONG_NAME).await;
    // A program of its own: it can be put to sleep.
    let mut yun = Program::new(programs::cli());
    yun.args(["join", ROOM, "--server", &server.url(), "--name", "김윤서"]);
    yun.args(["--camera", &portraits.id(2), "--microphone", "silence", "--speaker", "none"]);
    let yun = Group::start(yun.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()));
    window.see("three others", "#stage [data-peer]:nth-of-type(4)").await;
    window.see_no("one without a picture", "[data-peer]:not([data-picture=true])").await;
    window.see_no("a status", "[data-peer] .tile-status:not([hidden])").await;
    gallery.show(window, "four", "#room-count", ["4 people", "4명"]).await;

    let mut others = Vec::new();
    for (number, name) in
        ["Jonas Okafor", "이하은", "Priya Raman", "Tomás Nunes", "Lena Vogt"].into_iter().enumerate()
    {
        let other = portraits.join(number + 1, &server.url(), ROOM, name).await;
        if number % 2 == 1 {
            other.command(Command::SetCameraOff { camera_off: true }).await;
        }
        others.push(other);
    }
    window.see_no("a status", "[data-peer] .tile-status:not([hidden])").await;
    window
        .see_no("one without a picture", "[data-peer]:not([data-picture=true], [data-camera-off=true])")
        .await;
    gallery.show(window, "nine", "#room-count", ["9 people", "9명"]).await;
    for other in others {
        other.leave().await;
    }
    window.see_no("a fifth one", "#stage [data-peer]:nth-of-type(5)").await;

    yun.sleep(true);
    let broke = "[data-peer][data-dimmed=true] .tile-status";
    gallery.show(window, "reconnecting", broke, ["Reconnecting…", "다시 연결하는 중…"]).await;
    drop(yun);

    server.kill().await;
    let away = ["The server is out of reach", "서버에 연결되지 않지만"];
    gallery.show(window, "server-away", "#server-state", away).await;
    server.restart();
    window.see_no("a server that is away", "#server-state").await;

    window.click("#leave").await;
    gallery
        .show(window, "left", "#join-left", ["You left sunny-otter-42.", "sunny-otter-42 방에서 나왔어요."])
        .await;
    theo.leave().await;
    mira.leave().await;

    let strict = Strict::start().await;
    window.join(&format!("http://{}/{ROOM}", strict.address()), NAME).await;
    strict.end();
    gallery
        .show(window, "ended", "#join-notice", ["The server ended the call", "서버가 통화를 끝냈어요"])
        .await;
}
