"""aiortc as a participant of a Maru room: python3 aiortc_peer.py URL ROOM NAME CODEC direct|relay"""

import array
import asyncio
import fractions
import json
import sys

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame

import picture
import room
from room import tell


class Camera(VideoStreamTrack):
    number = 0

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(picture.WIDTH, picture.HEIGHT, "yuv420p")
        frame.planes[0].update(picture.luma(picture.now_ms(), self.number))
        for plane in frame.planes[1:]:
            plane.update(bytes([picture.GREY]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        self.number += 1
        return frame


class Microphone(AudioStreamTrack):
    """Paced as the library paces its silence, but with a tone."""

    async def recv(self):
        silence = await super().recv()
        # Its silence is at 8 kHz; the tone is not.
        samples = silence.samples * picture.RATE // silence.sample_rate
        start = silence.pts * picture.RATE // silence.sample_rate
        frame = AudioFrame(format="s16", layout="mono", samples=samples)
        frame.planes[0].update(picture.tone(start, samples, 1))
        frame.pts, frame.sample_rate = start, picture.RATE
        frame.time_base = fractions.Fraction(1, picture.RATE)
        return frame


class Peer:
    """At most one connection: the test has one engine."""

    def __init__(self, codec, path):
        self.codec = codec
        self.policy = RTCIceTransportPolicy.RELAY if path == "relay" else RTCIceTransportPolicy.ALL
        self.room = self.pc = self.chat = self.camera = None
        self.tasks = set()

    def enter(self, place):
        self.room = place

    def connection(self, offering):
        if self.pc is not None:
            return self.pc
        servers = [
            RTCIceServer(server["urls"], server.get("username"), server.get("credential"))
            for server in self.room.ice_servers
        ]
        self.pc = pc = RTCPeerConnection(RTCConfiguration(iceServers=servers, iceTransportPolicy=self.policy))

        @pc.on("track")
        def on_track(track):
            watch = self.see if track.kind == "video" else self.listen
            task = asyncio.ensure_future(watch(track))
            self.tasks.add(task)

        @pc.on("connectionstatechange")
        def on_state():
            tell("connection", state=pc.connectionState)

        @pc.on("datachannel")
        def on_channel(channel):
            self.use(channel)

        if offering:
            self.use(pc.createDataChannel("maru.chat"))
            self.add_tracks()
        return pc

    def add_tracks(self):
        self.camera = Camera()
        self.pc.addTrack(Microphone())
        self.pc.addTrack(self.camera)
        offered = RTCRtpSender.getCapabilities("video").codecs
        wanted = [codec for codec in offered if codec.mimeType.lower() == f"video/{self.codec}"]
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(wanted)

    def use(self, channel):
        self.chat = channel

        @channel.on("message")
        def on_message(message):
            tell("chat", label=channel.label, message=json.loads(message))

        @channel.on("open")
        def on_open():
            tell("open")

        if channel.readyState == "open":
            tell("open")

    async def offer(self, to):
        self.to = to
        pc = self.connection(offering=True)
        await pc.setLocalDescription(await pc.createOffer())
        await self.room.describe(to, "offer", pc.localDescription.sdp)

    async def description(self, sender, kind, sdp):
        self.to = sender
        pc = self.connection(offering=False)
        await pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        if kind == "offer":
            if self.camera is None:
                self.add_tracks()
            await pc.setLocalDescription(await pc.createAnswer())
            await self.room.describe(sender, "answer", pc.localDescription.sdp)

    async def candidate(self, _sender, signal):
        if not signal["candidate"]:
            return
        candidate = candidate_from_sdp(signal["candidate"].removeprefix("candidate:"))
        candidate.sdpMid = signal.get("sdp_mid")
        candidate.sdpMLineIndex = signal.get("sdp_m_line_index")
        await self.pc.addIceCandidate(candidate)

    async def see(self, track):
        try:
            while True:
                frame = await track.recv()
                plane = frame.planes[0]
                taken = picture.taken(memoryview(plane), plane.line_size, frame.width)
                tell("picture", taken=taken, width=frame.width, height=frame.height)
        except MediaStreamError:
            tell("ended", kind="video")

    async def listen(self, track):
        ear = picture.Ear()
        try:
            while True:
                frame = await track.recv()
                # Two channels, interleaved; the plane may be longer than the sound.
                size = frame.samples * len(frame.layout.channels)
                samples = array.array("h", bytes(frame.planes[0])[: 2 * size])
                for level, pitch in ear.hear(samples[:: len(frame.layout.channels)]):
                    tell("sound", level=level, pitch=pitch)
        except MediaStreamError:
            tell("ended", kind="audio")

    async def order(self, order):
        match order["do"]:
            case "say":
                self.chat.send(json.dumps({"type": "text", "text": order["text"]}))
            case "offer":
                await self.offer(self.to)

    async def close(self):
        if self.pc is not None:
            await self.pc.close()


if __name__ == "__main__":
    url, name_of_room, name, codec, path = sys.argv[1:]
    asyncio.run(room.run(url, name_of_room, name, codec, Peer(codec, path)))
