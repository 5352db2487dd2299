"""GStreamer's webrtcbin as a participant of a Maru room: python3 gstreamer_peer.py URL ROOM NAME CODEC direct|relay"""

import array
import asyncio
import json
import re
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

import picture  # noqa: E402
import room  # noqa: E402
from room import tell  # noqa: E402

ENCODE = {
    "h264": "openh264enc complexity=low bitrate=1500000 gop-size=120 ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
    "vp8": "vp8enc deadline=1 cpu-used=8 target-bitrate=1500000 keyframe-max-dist=120 ! rtpvp8pay",
}
RTP = "application/x-rtp,media={kind},encoding-name={codec},clock-rate={rate},payload={payload}"
SEND = """
webrtcbin name=webrtc bundle-policy=max-bundle latency=0
appsrc name=camera is-live=true do-timestamp=true format=time
  caps=video/x-raw,format=I420,width={width},height={height},framerate=30/1
  ! queue max-size-buffers=2 leaky=downstream ! {encode} pt={video} ! {video_caps} ! webrtc.
audiotestsrc is-live=true freq={tone} volume=0.14 samplesperbuffer=480
  ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt={audio} ! {audio_caps} ! webrtc.
"""
SINK = " ! appsink name=sink emit-signals=true sync=false max-buffers=4 drop=true"
RECEIVE = {
    "H264": "rtph264depay ! h264parse ! openh264dec ! videoconvert ! video/x-raw,format=I420" + SINK,
    "VP8": "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420" + SINK,
    "OPUS": "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,rate=48000,channels=1" + SINK,
}


def payload_type(sdp, codec, otherwise):
    """The payload type of a codec in an offer; for H.264 the one that may fragment."""
    found = re.findall(rf"^a=rtpmap:(\d+) {codec}/", sdp, re.MULTILINE | re.IGNORECASE)
    fragmenting = [
        number for number in found if re.search(rf"^a=fmtp:{number} .*packetization-mode=1", sdp, re.MULTILINE)
    ]
    return int((fragmenting or found or [otherwise])[0])


class Peer:
    """At most one connection: the test has one engine."""

    def __init__(self, codec, path):
        self.codec = codec
        self.policy = "relay" if path == "relay" else "all"
        self.room = self.to = self.pipeline = self.webrtc = self.chat = None
        self.loop = None
        self.closed = threading.Event()

    def enter(self, place):
        self.room = place
        self.loop = asyncio.get_running_loop()

    def soon(self, coroutine):
        """Runs a coroutine for one of GStreamer's threads."""
        asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def start(self, to, sdp=""):
        """Makes the pipeline, with the payload types of an offer if there is one."""
        self.to = to
        video = payload_type(sdp, self.codec, 96)
        audio = payload_type(sdp, "opus", 111)
        description = SEND.format(
            width=picture.WIDTH,
            height=picture.HEIGHT,
            tone=picture.TONE_HZ,
            encode=ENCODE[self.codec],
            video=video,
            audio=audio,
            video_caps=RTP.format(kind="video", codec=self.codec.upper(), rate=90000, payload=video),
            audio_caps=RTP.format(kind="audio", codec="OPUS", rate=48000, payload=audio),
        )
        self.pipeline = Gst.parse_launch(description)
        self.webrtc = self.pipeline.get_by_name("webrtc")
        Gst.util_set_object_arg(self.webrtc, "ice-transport-policy", self.policy)
        for server in self.room.ice_servers:
            for url in server["urls"]:
                scheme, host = url.split(":", 1)
                who = f"{server['username']}:{server['credential']}@" if scheme == "turn" else ""
                self.webrtc.set_property(f"{scheme}-server", f"{scheme}://{who}{host}")
        self.webrtc.connect("on-ice-candidate", self.on_candidate)
        self.webrtc.connect("on-data-channel", lambda _, channel: self.use(channel))
        self.webrtc.connect("pad-added", self.on_pad)
        self.webrtc.connect("notify::connection-state", self.on_state)
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.film, daemon=True).start()

    async def promised(self, signal, *arguments):
        """What one of webrtcbin's promises comes to."""
        done = self.loop.create_future()

        def settle(promise):
            reply = promise.get_reply()
            self.loop.call_soon_threadsafe(done.set_result, reply)

        self.webrtc.emit(signal, *arguments, Gst.Promise.new_with_change_func(settle))
        return await done

    async def describe(self, kind):
        reply = await self.promised(f"create-{kind}", None)
        description = reply.get_value(kind)
        await self.promised("set-local-description", description)
        await self.room.describe(self.to, kind, description.sdp.as_text())

    async def offer(self, to):
        if self.pipeline is None:
            self.start(to)
            # The offer says what the encoders make, so they have to have begun.
            for pad in self.webrtc.sinkpads:
                while pad.get_current_caps() is None:
                    await asyncio.sleep(0.01)
            self.use(self.webrtc.emit("create-data-channel", "maru.chat", None))
        await self.describe("offer")

    async def description(self, sender, kind, sdp):
        if self.pipeline is None:
            self.start(sender, sdp)
        _, parsed = GstSdp.SDPMessage.new_from_text(sdp)
        kinds = {"offer": GstWebRTC.WebRTCSDPType.OFFER, "answer": GstWebRTC.WebRTCSDPType.ANSWER}
        description = GstWebRTC.WebRTCSessionDescription.new(kinds[kind], parsed)
        await self.promised("set-remote-description", description)
        if kind == "offer":
            await self.describe("answer")

    async def candidate(self, _sender, signal):
        self.webrtc.emit("add-ice-candidate", signal["sdp_m_line_index"] or 0, signal["candidate"])

    def on_candidate(self, _webrtc, index, candidate):
        self.soon(self.room.signal(self.to, "candidate", candidate=candidate, sdp_m_line_index=index))

    def on_state(self, webrtc, _property):
        tell("connection", state=webrtc.get_property("connection-state").value_nick)

    def use(self, channel):
        self.chat = channel
        channel.connect("on-open", lambda _: tell("open"))
        channel.connect("on-message-string", self.on_message)

    def on_message(self, channel, message):
        tell("chat", label=channel.get_property("label"), message=json.loads(message))

    def film(self):
        """Gives the pipeline a picture thirty times a second."""
        camera = self.pipeline.get_by_name("camera")
        chroma = bytes([picture.GREY]) * (picture.WIDTH * picture.HEIGHT // 2)
        number, started = 0, time.monotonic()
        while not self.closed.is_set():
            frame = picture.luma(picture.now_ms(), number) + chroma
            if camera.emit("push-buffer", Gst.Buffer.new_wrapped(frame)) != Gst.FlowReturn.OK:
                return
            number += 1
            time.sleep(max(0, started + number / 30 - time.monotonic()))

    def on_pad(self, _webrtc, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        codec = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        chain = Gst.parse_bin_from_description(RECEIVE[codec], True)
        watch = self.listen if codec == "OPUS" else self.see
        chain.get_by_name("sink").connect("new-sample", watch, picture.Ear())
        self.pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def see(self, sink, _ear):
        sample = sink.emit("pull-sample")
        format = sample.get_caps().get_structure(0)
        width, height = format.get_value("width"), format.get_value("height")
        buffer = sample.get_buffer()
        # GStreamer's rows are padded to four bytes.
        taken = picture.taken(buffer.extract_dup(0, buffer.get_size()), -(-width // 4) * 4, width)
        tell("picture", taken=taken, width=width, height=height)
        return Gst.FlowReturn.OK

    def listen(self, sink, ear):
        buffer = sink.emit("pull-sample").get_buffer()
        for level, pitch in ear.hear(array.array("h", buffer.extract_dup(0, buffer.get_size()))):
            tell("sound", level=level, pitch=pitch)
        return Gst.FlowReturn.OK

    async def order(self, order):
        match order["do"]:
            case "say":
                text = json.dumps({"type": "text", "text": order["text"]})
                self.chat.emit("send-string", text)
            case "offer":
                await self.offer(self.to)

    async def close(self):
        self.closed.set()
        if self.pipeline is not None:
            self.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    Gst.init(None)
    url, name_of_room, name, codec, path = sys.argv[1:]
    asyncio.run(room.run(url, name_of_room, name, codec, Peer(codec, path)))
