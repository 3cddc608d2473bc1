"""aiortc as an agent (README.md beside this file has the words):

    /usr/bin/python3 aiortc-agent.py [--no-trickle]

It neither trickles nor restarts ICE: its descriptions hold all its candidates.
"""

import asyncio
import base64
import json
import sys
import threading

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp


def say(thing):
    print(json.dumps(thing), flush=True)


class Agent:
    def __init__(self):
        self.connection = RTCPeerConnection()
        self.channels = {}
        self.connection.on("datachannel", self.use)
        self.connection.on(
            "connectionstatechange", lambda: say({"state": self.connection.connectionState})
        )

    def use(self, channel):
        label = channel.label
        self.channels[label] = channel

        def tell_open():
            say({"channel": label, "open": True, "ordered": channel.ordered, "id": channel.id,
                 "maxRetransmits": channel.maxRetransmits,
                 "maxPacketLifeTime": channel.maxPacketLifeTime})

        def tell_message(message):
            if isinstance(message, str):
                say({"channel": label, "text": message})
            else:
                say({"channel": label, "binary": base64.b64encode(message).decode()})

        channel.on("message", tell_message)
        channel.on("close", lambda: say({"channel": label, "open": False}))
        if channel.readyState == "open":
            tell_open()
        else:
            channel.on("open", tell_open)

    # Each ends with its track.
    async def take(self, track):
        for _ in range(20):
            await track.recv()
        say({"track": track.kind})
        while True:
            await track.recv()

    def take_part(self):
        self.connection.addTrack(AudioStreamTrack())
        self.connection.addTrack(VideoStreamTrack())
        self.connection.on("track", lambda track: asyncio.ensure_future(self.take(track)))

    async def describe(self, description):
        await self.connection.setLocalDescription(description)
        local = self.connection.localDescription
        say({"type": local.type, "sdp": local.sdp})

    async def hear(self, description):
        await self.connection.setRemoteDescription(RTCSessionDescription(**description))
        if description["type"] == "offer":
            await self.describe(await self.connection.createAnswer())

    async def hear_candidate(self, command):
        if not command["candidate"]:
            return
        candidate = candidate_from_sdp(command["candidate"].split(":", 1)[1])
        candidate.sdpMid = command["sdpMid"]
        candidate.sdpMLineIndex = command["sdpMLineIndex"]
        await self.connection.addIceCandidate(candidate)

    async def obey(self, command):
        if "sdp" in command:
            await self.hear(command)
        elif "candidate" in command:
            await self.hear_candidate(command)
        elif "open" in command:
            self.use(self.connection.createDataChannel(command["open"], **command.get("init", {})))
        elif "text" in command:
            self.channels[command["channel"]].send(command["text"])
        elif "binary" in command:
            self.channels[command["channel"]].send(base64.b64decode(command["binary"]))
        elif "close" in command:
            self.channels[command["close"]].close()
        elif "media" in command:
            self.connection.addTrack(AudioStreamTrack())
            self.connection.addTrack(VideoStreamTrack())
        elif "call" in command:
            self.take_part()
        elif "offer" in command:
            await self.describe(await self.connection.createOffer())
        elif "bye" in command:
            await self.connection.close()


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.Queue()

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    agent = Agent()
    threading.Thread(target=read, daemon=True).start()
    say({"ready": "aiortc"})
    while line := await lines.get():
        try:
            await agent.obey(json.loads(line))
        except Exception as error:  # pylint: disable=broad-except  # whatever it is, the test is told
            say({"error": f"{line[:40]}: {error!r}"})


asyncio.run(main())
