"""A room on a Maru server, as a foreign peer sees it: the signaling protocol, and one line of JSON on
standard output for whatever the test has to know. It knows nothing of media."""

import asyncio
import json
import re
import sys
import threading

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TELLING = threading.Lock()


def tell(event, **what):
    """Tells the test, from any thread. Not by `print`: that writes the line and its end apart, so that threads
    which tell at the same time share a line that nobody can read."""
    line = json.dumps({"event": event, **what}) + "\n"
    with TELLING:
        sys.stdout.write(line)
        sys.stdout.flush()


async def orders():
    """What the test writes: one line of JSON for each thing to do, until it closes the pipe."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


class Room:
    """A place in a room."""

    def __init__(self, socket):
        self.socket = socket
        self.id = None
        # What the server names to reach others by: STUN and TURN servers.
        self.ice_servers = []

    async def say(self, kind, **fields):
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def signal(self, to, kind, **fields):
        for kind_of_path in re.findall(r"candidate:.* typ (\w+)", fields.get("sdp") or fields.get("candidate") or ""):
            tell("candidate", kind=kind_of_path)
        await self.say("signal", to=to, signal={"kind": kind, **fields})

    async def describe(self, to, kind, sdp):
        await self.signal(to, "description", type=kind, sdp=sdp)


async def run(url, room, name, codec, peer):
    """Joins and passes on what happens, until the test says leave or closes the pipe.

    `peer` has coroutines `offer(to)`, `description(from, type, sdp)`, `candidate(from, signal)`, `order(order)`
    and `close()`; `Room` is given to its `enter(room)`.
    """
    async with connect(url, subprotocols=["maru.v1"], max_size=1 << 20) as socket:
        place = Room(socket)
        peer.enter(place)
        await place.say(
            "join",
            room=room,
            name=name,
            client={"name": "foreign-peer", "version": "1"},
            capabilities={"video_codecs": [codec], "chat": True},
        )
        tasks = [asyncio.create_task(receive(place, peer)), asyncio.create_task(obey(place, peer))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await peer.close()


async def receive(place, peer):
    try:
        async for text in place.socket:
            message = json.loads(text)
            match message["type"]:
                case "joined":
                    place.id = message["you"]
                    place.ice_servers = message["ice_servers"]
                    tell("joined", id=place.id, peers=len(message["peers"]))
                case "peer_joined":
                    # Who was there first makes the offer.
                    await peer.offer(message["peer"]["id"])
                case "peer_left":
                    tell("left", peer=message["peer"], reason=message["reason"])
                case "status":
                    tell("status", **message["status"])
                case "signal":
                    await hear(message["from"], message["signal"], peer)
                case "error":
                    tell("error", message=message["message"])
    except ConnectionClosed as closed:
        tell("closed", reason=str(closed))


async def hear(sender, signal, peer):
    match signal["kind"]:
        case "description":
            await peer.description(sender, signal["type"], signal["sdp"])
        case "candidate":
            await peer.candidate(sender, signal)
        case "restart":
            tell("restart")


async def obey(place, peer):
    async for order in orders():
        if order["do"] == "leave":
            await place.say("leave")
            return
        await peer.order(order)
