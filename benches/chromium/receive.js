// @ts-check
// Receives one voice after the other, as any page does, and gives back what was heard.

const RECORDER = `registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input?.[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

/** @param {string} name @param {AudioContext} context */
async function receive(name, context) {
  const peer = new RTCPeerConnection();
  peer.addTransceiver("audio", { direction: "recvonly" });
  /** @type {Float32Array[]} */
  const heard = [];
  peer.ontrack = ({ track }) => {
    const stream = new MediaStream([track]);
    // Chromium pulls sound out of a track only where an element plays it.
    const audio = new Audio();
    audio.srcObject = stream;
    audio.muted = true;
    void audio.play();
    const recorder = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
    recorder.port.onmessage = ({ data }) => heard.push(data);
    context.createMediaStreamSource(stream).connect(recorder);
  };
  await peer.setLocalDescription();
  if (peer.iceGatheringState !== "complete") {
    await new Promise((done) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done(null);
    });
  }
  const answer = await fetch(`offer/${name}`, { method: "POST", body: peer.localDescription?.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  await fetch(`played/${name}`); // answered when everything was sent and had its time to be heard
  peer.close();
  await fetch(`heard/${name}`, { method: "POST", body: new Blob(heard) });
}

const context = new AudioContext({ sampleRate: 48_000 });
await context.audioWorklet.addModule(URL.createObjectURL(new Blob([RECORDER], { type: "text/javascript" })));
const names = await (await fetch("names")).json();
// Several at once, as in a call of several.
const next = async () => {
  for (let name = names.pop(); name !== undefined; name = names.pop()) await receive(name, context);
};
await Promise.all([next(), next(), next()]);
await fetch("done", { method: "POST" });
