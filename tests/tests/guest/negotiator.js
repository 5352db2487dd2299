// Arguments: a WebSocket URL, a room, a name. A page that is no Maru: the perfect negotiation of the WebRTC
// specification (section 10.7), word for word in its rules, over our signaling. `window.maruTestPeer` says
// what became of it.
const [url, room, name] = arguments;
const peer = (window.maruTestPeer = { offers: 0, collisions: 0, state: "new", errors: [] });
const socket = new WebSocket(url, "maru.v1");
const say = (type, fields) => socket.send(JSON.stringify({ type, ...fields }));
let pc, other, polite, makingOffer, ignoreOffer;

const signal = (kind, fields) => say("signal", { to: other, signal: { kind, ...fields } });

peer.negotiate = async () => {
  try {
    makingOffer = true;
    await pc.setLocalDescription();
    if (pc.localDescription.type === "offer") peer.offers += 1;
    signal("description", { type: pc.localDescription.type, sdp: pc.localDescription.sdp });
  } catch (error) {
    peer.errors.push(String(error));
  } finally {
    makingOffer = false;
  }
};

// Asks the other side for an offer, and makes one at the same time.
peer.collide = () => {
  signal("restart", {});
  pc.restartIce();
};

const begin = (id, isPolite) => {
  [other, polite] = [id, isPolite];
  pc = peer.connection = new RTCPeerConnection();
  pc.onnegotiationneeded = () => void peer.negotiate();
  pc.onicecandidate = ({ candidate }) => {
    if (!candidate) return signal("end_of_candidates", {});
    const { sdpMid, sdpMLineIndex } = candidate;
    signal("candidate", { candidate: candidate.candidate, sdp_mid: sdpMid, sdp_m_line_index: sdpMLineIndex });
  };
  pc.onconnectionstatechange = () => (peer.state = pc.connectionState);
  pc.ontrack = ({ track }) => {
    if (track.kind !== "video") return;
    const video = document.createElement("video");
    video.dataset.paint = "video";
    video.muted = video.autoplay = true;
    video.srcObject = new MediaStream([track]);
    const tile = document.createElement("div");
    tile.dataset.peer = id;
    tile.append(video);
    document.body.replaceChildren(tile);
  };
};

const send = async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
};

const described = async ({ type, sdp }) => {
  const collision = type === "offer" && (makingOffer || pc.signalingState !== "stable");
  if (collision) peer.collisions += 1;
  ignoreOffer = !polite && collision;
  if (ignoreOffer) return;
  const fresh = pc.remoteDescription === null;
  await pc.setRemoteDescription({ type, sdp });
  if (type !== "offer") return;
  if (fresh && pc.getSenders().every(({ track }) => track === null)) await send();
  await peer.negotiate();
};

const hear = async (message) => {
  switch (message.type) {
    case "joined":
      if (message.peers.length > 0) begin(message.peers[0].id, true);
      peer.joined = true;
      return;
    case "peer_joined":
      begin(message.peer.id, false);
      pc.createDataChannel("maru.chat");
      return send();
    case "signal":
      if (message.signal.kind === "description") return described(message.signal);
      if (message.signal.kind !== "candidate") return;
      return pc
        .addIceCandidate({
          candidate: message.signal.candidate,
          sdpMid: message.signal.sdp_mid,
          sdpMLineIndex: message.signal.sdp_m_line_index,
        })
        .catch((error) => {
          if (!ignoreOffer) throw error;
        });
  }
};
// One after the other, as they came.
let last = Promise.resolve();
socket.onmessage = ({ data }) => {
  last = last.then(() => hear(JSON.parse(data))).catch((error) => peer.errors.push(String(error)));
};
socket.onopen = () =>
  say("join", {
    room,
    name,
    client: { name: "foreign-page", version: "1" },
    capabilities: { video_codecs: ["h264", "vp8"], chat: true },
  });
