//! How loud a guest wants somebody, and what its microphone's sound goes through: proven by what the browser plays.

use maru_engine::{Command, PeerState};
use maru_tests::browser::Kind;
use maru_tests::order::First;
use maru_tests::recording::amplitude;
use maru_tests::wait::eventually;
use serde_json::json;

use crate::meeting::{ENGINE, GUEST, LIMIT, Meeting, TONE_HZ};

/// A quarter of a second, in samples: what is listened to at a time.
const LISTENED: usize = 12_000;
/// The engine's tone is sent with an amplitude of 0.1; this is not there.
const NOTHING: f32 = 0.0005;

/// Moves a slider as a hand does.
const SLIDE: &str = "
    const slider = document.querySelector(arguments[0]);
    slider.value = arguments[1];
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    slider.dispatchEvent(new Event('change', { bubbles: true }));";

/// Waits until the browser plays the engine's tone this loud.
async fn hear(meeting: &Meeting, what: &str, fits: impl Fn(f32) -> bool) -> f32 {
    let mut recording = meeting.guest.record();
    eventually(what, LIMIT, async || {
        let heard = recording.next(LISTENED)?;
        let tone = amplitude(&heard, TONE_HZ as f32);
        fits(tone).then_some(tone)
    })
    .await
}

async fn slide(meeting: &Meeting, percent: u32) {
    let slider = format!("{} .sound-slider", meeting.tile());
    meeting.guest.run(SLIDE, &[json!(slider), json!(percent)]).await;
    assert_eq!(meeting.guest.attribute(&slider, "aria-valuetext").await, Some(format!("{percent}%")));
}

/// The engine is as loud as the guest wants, from nothing to twice as loud, and is not told.
async fn as_loud_as_wanted(kind: Kind) {
    let meeting = Meeting::of(kind, First::Engine).await;
    let (guest, tile) = (&meeting.guest, meeting.tile());
    guest.hear(&meeting.engine.id(), TONE_HZ).await;
    let usual = hear(&meeting, "the tone", |tone| tone > 0.02).await;
    let near = |part: f32| move |tone: f32| (tone / (usual * part) - 1.0).abs() < 0.25;

    guest.see("whoever makes a sound is marked", &format!("{tile}[data-speaking=true]")).await;
    guest.click(&format!("{tile} .sound-toggle")).await;
    guest.see("the slider", &format!("{tile} .sound-slider")).await;
    guest.click(&format!("{tile} .sound-mute")).await;
    guest.see("the switch", &format!("{tile} .sound-mute[aria-pressed=true]")).await;
    hear(&meeting, "silence", |tone| tone < NOTHING).await;
    println!("screenshot: {}", guest.screenshot(&format!("guest-volume-{kind:?}")).await.display());
    // What comes is still looked at: who speaks is marked, and the engine sees nothing of it all.
    guest.see("still marked", &format!("{tile}[data-speaking=true]")).await;
    guest.hear(&meeting.engine.id(), TONE_HZ).await;

    guest.click(&format!("{tile} .sound-mute")).await;
    hear(&meeting, "the tone again", near(1.0)).await;
    slide(&meeting, 40).await;
    hear(&meeting, "a softer tone", near(0.4)).await;
    slide(&meeting, 200).await;
    hear(&meeting, "a louder tone", near(2.0)).await;
    slide(&meeting, 0).await;
    hear(&meeting, "nothing", |tone| tone < NOTHING).await;

    // A page that is loaded anew has its place again, and everybody is as loud as before.
    guest.reload().await;
    guest.see("nothing is to be heard", &format!("{tile} .sound[data-changed=true]")).await;
    guest.hear(&meeting.engine.id(), TONE_HZ).await;
    hear(&meeting, "still nothing", |tone| tone < NOTHING).await;
    slide(&meeting, 100).await;
    hear(&meeting, "the tone", near(1.0)).await;

    let seen = meeting.engine.until_peer("connected", GUEST, |peer| peer.state == PeerState::Connected).await;
    assert!(!seen.muted && !seen.muted_for_me && seen.volume.percent() == 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_somebody_is_as_loud_as_wanted() {
    as_loud_as_wanted(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_firefox_somebody_is_as_loud_as_wanted() {
    as_loud_as_wanted(Kind::Firefox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_keeps_how_loud_it_wants_a_guest_that_is_loaded_anew() {
    let meeting = Meeting::of(Kind::Chromium, First::Engine).await;
    let peer =
        meeting.engine.until_peer("connected", GUEST, |peer| peer.state == PeerState::Connected).await.id;
    meeting.engine.command(Command::SetPeerMuted { peer, muted: true }).await;
    meeting.engine.until_peer("muted", GUEST, |peer| peer.muted_for_me).await;
    meeting.guest.reload().await;
    // Over another connection.
    meeting.guest.hear(&meeting.engine.id(), TONE_HZ).await;
    let back = meeting.engine.until_peer("back", GUEST, |peer| peer.state == PeerState::Connected).await;
    assert!(back.id == peer && back.muted_for_me);
    meeting.guest.see_text(&format!("{} .name", meeting.tile()), ENGINE).await;
}

/// What the browser was last asked to do to the microphone's sound, and what it says it does.
const PROCESSING: &str = "
    const asked = window.maruTestAsked ??= [];
    if (!window.maruTestAsk) {
        window.maruTestAsk = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await window.maruTestAsk(wanted);
            const [track] = stream.getAudioTracks();
            if (track) {
                const { echoCancellation, noiseSuppression, autoGainControl } = track.getSettings();
                asked.push([echoCancellation, noiseSuppression, autoGainControl]);
            }
            return stream;
        };
    }
    return asked.at(-1) ?? null;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_the_own_voice_is_what_was_chosen_and_is_remembered() {
    let meeting = Meeting::of(Kind::Chromium, First::Other).await;
    let guest = &meeting.guest;
    guest.run(PROCESSING, &[]).await;
    guest.click("#devices").await;
    guest.click("#pickers .voice summary").await;
    guest.click("#voice-noise").await;
    eventually("no noise suppression", LIMIT, async || {
        (guest.run(PROCESSING, &[]).await == json!([true, false, true])).then_some(())
    })
    .await;
    guest.click("#voice-echo option[value=off]").await;
    eventually("neither", LIMIT, async || {
        (guest.run(PROCESSING, &[]).await == json!([false, false, true])).then_some(())
    })
    .await;
    meeting.engine_hears().await;
    assert_eq!(meeting.negotiations().await, 1);
    guest.reload().await;
    guest.see("the call", "body[data-screen=call]").await;
    let kept = "const [echo, noise] = [document.querySelector('#voice-echo'), document.querySelector('#voice-noise')];
        return [echo.value, noise.checked];";
    assert_eq!(guest.run(kept, &[]).await, json!(["off", false]));
}

/// Has somebody speak into the microphone: Chromium's made-up one beeps, which is no word.
const SPEAK: &str = "
    const context = new AudioContext();
    const voice = new OscillatorNode(context, { frequency: 300 });
    const out = context.createMediaStreamDestination();
    voice.connect(new GainNode(context, { gain: 0.3 })).connect(out);
    voice.start();
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = wanted.video ? await open({ video: wanted.video }) : new MediaStream();
        if (wanted.audio) stream.addTrack(out.stream.getAudioTracks()[0].clone());
        void context.resume();
        return stream;
    };";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_speaks_while_muted_is_told_until_it_is_heard_again() {
    let meeting = Meeting::of(Kind::Chromium, First::Engine).await;
    let guest = &meeting.guest;
    guest.run(SPEAK, &[]).await;
    // Has the microphone opened anew.
    guest.click("#devices").await;
    guest.click("#pickers .voice summary").await;
    guest.click("#voice-gain").await;
    guest.see("whoever speaks is marked", "[data-self][data-speaking=true]").await;
    guest.see_no("the hint", "#muted-hint").await;
    guest.click("#mute").await;
    meeting.engine.until_peer("muted", GUEST, |peer| peer.muted).await;
    guest.see("the hint", "#muted-hint").await;
    println!("screenshot: {}", guest.screenshot("guest-muted-hint").await.display());
    guest.click("#mute").await;
    guest.see_no("the hint", "#muted-hint").await;
    meeting.engine.until_peer("heard", GUEST, |peer| !peer.muted).await;
}
