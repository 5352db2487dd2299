"""Feeds Chromium with the packets of every FOLDER/traces/*.txt, each at its time, over WebRTC, and writes
what it makes of them to FOLDER/scored/*-chromium.wav.

Usage: receive.py FOLDER. A line of a trace is: arrival in microseconds, payload type (111: Opus, 63: Opus
with what was before it), number, time stamp, payload.
"""

import asyncio
import struct
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription

HERE = Path(__file__).parent
# What is heard after the last packet.
AFTER_SECONDS = 1.0
LIMIT_SECONDS = 600
CHROMIUM = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-breakpad", "--disable-sync",
    "--disable-quic", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


def with_redundancy(answer, offer):
    """Chromium's own redundant audio (RFC 2198), which aiortc knows nothing of, beside its Opus."""
    assert "a=rtpmap:111 opus/48000/2" in offer and "a=rtpmap:63 red/48000/2" in offer, offer
    lines = []
    for line in answer.splitlines():
        if line.startswith("m=audio "):
            assert "111" in line.split()[3:], line
            line = f"{line} 63"
        lines.append(line)
        if line.startswith("a=rtpmap:111 "):
            lines += ["a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"]
    return "\r\n".join(lines) + "\r\n"


class Feeder:
    def __init__(self, folder):
        self.folder = folder
        self.peers = {}
        self.done = asyncio.Event()

    async def names(self, _):
        return web.json_response(sorted(path.stem for path in (self.folder / "traces").glob("*.txt")))

    async def offer(self, request):
        peer = RTCPeerConnection()
        transceiver = peer.addTransceiver("audio", direction="sendonly")
        offer = await request.text()
        await peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        self.peers[request.match_info["name"]] = (peer, transceiver.sender)
        return web.Response(text=with_redundancy(peer.localDescription.sdp, offer))

    async def played(self, request):
        name = request.match_info["name"]
        peer, sender = self.peers.pop(name)
        while peer.connectionState != "connected":
            await asyncio.sleep(0.01)
        clock = asyncio.get_running_loop().time
        start = clock()
        for line in (self.folder / "traces" / f"{name}.txt").read_text().splitlines():
            arrival, payload_type, number, timestamp, payload = line.split()
            await asyncio.sleep(max(0, start + int(arrival) / 1e6 - clock()))
            header = struct.pack("!BBHII", 0x80, int(payload_type), int(number), int(timestamp), sender._ssrc)
            await sender.transport._send_rtp(header + bytes.fromhex(payload))
        await asyncio.sleep(AFTER_SECONDS)
        await peer.close()
        return web.Response()

    async def heard(self, request):
        samples = np.frombuffer(await request.read(), dtype=np.float32)
        path = self.folder / "scored" / f"{request.match_info['name']}-chromium.wav"
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(48_000)
            sound.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())
        return web.Response()

    async def finished(self, _):
        self.done.set()
        return web.Response()


async def main(folder):
    feeder = Feeder(folder)
    app = web.Application(client_max_size=1 << 28)
    app.add_routes([
        web.get("/", lambda _: web.FileResponse(HERE / "receive.html")),
        web.get("/receive.js", lambda _: web.FileResponse(HERE / "receive.js")),
        web.get("/names", feeder.names),
        web.post("/offer/{name}", feeder.offer),
        web.get("/played/{name}", feeder.played),
        web.post("/heard/{name}", feeder.heard),
        web.post("/done", feeder.finished),
    ])  # fmt: skip
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = [*CHROMIUM, f"--user-data-dir={profile}", f"http://127.0.0.1:{port}/"]
        chromium = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.DEVNULL)
        try:
            await asyncio.wait_for(feeder.done.wait(), LIMIT_SECONDS)
        finally:
            chromium.kill()
            await chromium.wait()
    await runner.cleanup()


asyncio.run(main(Path(sys.argv[1])))
