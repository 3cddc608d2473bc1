#!/usr/bin/env python3
"""Runs the programs of docs/examples and README as their users would, pasting lines from one to the other.

    test_examples.py DIRECTORY_OF_PROGRAMS DIRECTORY_OF_MEDIA [NAME...]
"""
import filecmp
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PATIENCE = 60  # seconds for what takes milliseconds
MEDIA = Path(sys.argv[2])


class Program:
    """An example that runs, with its lines."""

    def __init__(self, folder, name, *args):
        self.process = subprocess.Popen(self.start(folder, name, args), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.rest = {self.process.stdout: b'', self.process.stderr: b''}

    def start(self, folder, name, args):
        return [folder / f'example-{name}', *args]

    def write(self, line):
        self.process.stdin.write(line + b'\n')
        self.process.stdin.flush()

    def read(self, beginning=b'', stream=None):
        """The next line that begins so; others are skipped."""
        stream = stream or self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while True:
                line, newline, rest = self.rest[stream].partition(b'\n')
                if newline:
                    self.rest[stream] = rest
                    if line.startswith(beginning):
                        return line
                    continue
                assert selector.select(PATIENCE), f'{self.process.args}: no line {beginning}'
                got = os.read(stream.fileno(), 65536)
                assert got, f'{self.process.args}: ended without a line {beginning}: {self.errors()}'
                self.rest[stream] += got

    def errors(self):
        return self.process.stderr.read()

    def end(self):
        """Its input ends; it must end well."""
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0, self.errors()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


def paste_descriptions(offerer, answerer):
    answerer.write(offerer.read(b'{"type":"offer"'))
    offerer.write(answerer.read(b'{"type":"answer"'))


class Command(Program):
    """The kith command; it ends by a signal or with its input."""

    def __init__(self, *args):
        super().__init__(Path(os.environ['KITH']).parent, '', *args)

    def start(self, folder, name, args):
        return [os.environ['KITH'], *args]


def first_program(folder):
    assert len((folder / 'first_program.c').read_text().splitlines()) <= 30
    with Command('serve', '--listen', '127.0.0.1:0') as serve:
        url = serve.read(b'kith serve: open').split()[-1].decode().replace('http', 'ws') + 'attic'
        with Program(folder, 'first_program', url) as a, Command('peer', 'answer', '--signal', url) as b:
            assert json.loads(b.read(b'{"text"'))['text'] == 'Hello from C'
            b.write(b'{"text":"Hello from the other side"}')
            assert a.read() == b'Hello from the other side'
            b.end()


def lines(*programs):
    """(program, line) of whatever comes."""
    with selectors.DefaultSelector() as selector:
        for program in programs:
            selector.register(program.process.stdout, selectors.EVENT_READ, program)
        while True:
            ready = selector.select(PATIENCE)
            assert ready, [program.process.args for program in programs]
            for key, _ in ready:
                got = os.read(key.fd, 65536)
                assert got, key.data.errors()
                *whole, key.data.rest[key.fileobj] = (key.data.rest[key.fileobj] + got).split(b'\n')
                for line in whole:
                    yield key.data, line


def own_signalling(folder):
    """Its negotiator and that of `kith peer`, whose lines are carried from one to the other."""
    with Program(folder, 'own_signalling') as a, Command('peer', 'answer', '--loopback') as b:
        steps = [({'channel': 'chat', 'open': True}, b'again'), ({'channel': 'another', 'open': True}, b'restart'),
                 ({'text': 'restart'}, b'after it')]
        offers = 0
        for program, line in lines(a, b):
            said = json.loads(line)
            offers += program is a and said.get('type') == 'offer'
            if 'sdp' in said or 'candidate' in said:
                (b if program is a else a).write(line)
            if steps and said.items() >= steps[0][0].items():
                b.write(b'{"text":"%s"}' % steps.pop(0)[1])
            if said.get('text') == 'after it' and offers == 2:
                break
        b.end()
        a.end()


def chat(folder):
    with Program(folder, 'chat') as a, Program(folder, 'chat', 'answer') as b:
        paste_descriptions(a, b)
        a.read(b'-- connected')
        b.read(b'-- connected')
        a.write('grüß dich'.encode())
        assert b.read(b'> ') == '> grüß dich'.encode()
        b.write(b'hello')
        assert a.read(b'> ') == b'> hello'
        a.write(b'bye')
        a.end()
        assert b.read(b'> ') == b'> bye'
        b.read(b'-- closed')
        b.end()


def talk_to_echo(folder, name, *args):
    with Program(folder, 'chat') as a, Program(folder, name, *args) as b:
        paste_descriptions(a, b)
        a.read(b'-- connected')
        for text in b'one', b'two', b'three':
            a.write(text)
            assert a.read(b'> ') == b'> ' + text
        a.end()
        b.end()


def echo_server(folder):
    talk_to_echo(folder, 'echo_server')
    with Program(folder, 'echo_server') as server, Program(folder, 'chat') as a:
        server.write(b'nonsense')
        assert b'no JSON' in server.read(b'', server.process.stderr)
        paste_descriptions(a, server)  # it serves on
        a.read(b'-- connected')
        a.end()
        server.end()


def no_loop(folder):
    talk_to_echo(folder, 'no_loop')


def file_transfer(folder):
    with tempfile.TemporaryDirectory() as temporary:
        source, target = Path(temporary, 'source'), Path(temporary, 'target')
        source.write_bytes(os.urandom(3_000_001))
        with Program(folder, 'file_transfer', 'send', source) as a, \
             Program(folder, 'file_transfer', 'receive', target) as b:
            paste_descriptions(a, b)
            assert a.process.wait(PATIENCE) == 0, a.errors()
            assert b.process.wait(PATIENCE) == 0, b.errors()
        assert filecmp.cmp(source, target, shallow=False)


def own_event_loop(folder):
    with Program(folder, 'own_event_loop', 'offer') as a, Program(folder, 'own_event_loop') as b:
        b.write(a.read(b'{"type":"offer"'))
        a.write(b.read(b'{"type":"answer"'))
        for one, other in (a, b), (b, a):
            line = b''
            while b'"candidate":""' not in line:
                line = one.read(b'{"candidate"')
                other.write(line)
        for one in a, b:
            assert one.read(b'p', one.process.stderr) == b'ping'
            assert one.read(b'p', one.process.stderr) == b'pong'
        a.end()
        b.end()


def many_peers(folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(('', 0))
        port = str(free.getsockname()[1])
    with Program(folder, 'many_peers', '50', port) as a:
        assert a.read(f'50 peers on UDP port {port}: all answered'.encode())
        a.end()


def turn_server(folder):
    with Program(folder, 'turn_server') as a:
        passed_on = int(a.read(b'hello came back; the server passed on ').split()[-2])
        assert passed_on > 10, passed_on  # checks, a handshake, the channel and a message each way
        a.end()


def doctor(folder):
    with Program(folder, 'doctor') as a:  # without a server it tells the addresses, if there are any
        a.end()


def ivf_frames(path):
    data, frames, at = path.read_bytes(), [], 32
    while at + 12 <= len(data):
        size = int.from_bytes(data[at:at + 4], 'little')
        frames.append(data[at + 12:at + 12 + size])
        at += 12 + size
    return frames


def await_size(path, size):
    """A file grows while it is recorded."""
    end = time.monotonic() + PATIENCE
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < end, f'{path} does not grow'
        time.sleep(0.05)


def carry(source, give):
    """Hands all lines of a program on, in a thread, until it ends."""
    def run():
        for line in iter(source.process.stdout.readline, b''):
            try:
                give(line.rstrip(b'\n'))
            except (BrokenPipeError, ValueError):
                return
    threading.Thread(target=run, daemon=True).start()


def check_record(path, viewers=1):
    """The film again and again, from one of its key frames on; another viewer's request makes it go on at a key frame."""
    film, got = ivf_frames(MEDIA / 'vp8.ivf'), ivf_frames(path)
    places = [film.index(frame) for frame in got]
    jumps = [b for a, b in zip(places, places[1:]) if b != (a + 1) % len(film)]
    assert len(got) > len(film) and (viewers > 1 or not jumps), places
    assert all(film[place][0] & 1 == 0 for place in places[:1] + jumps), places  # RFC 7741 section 4.3: P is 0


def send(folder):
    with tempfile.TemporaryDirectory() as temporary, Program(folder, 'send', MEDIA / 'vp8.ivf') as a, \
         Program(folder, 'record', temporary) as b:
        carry(a, b.write)
        carry(b, a.write)
        await_size(Path(temporary, '1.ivf'), 2 * (MEDIA / 'vp8.ivf').stat().st_size)
        b.end()
        a.end()
        check_record(Path(temporary, '1.ivf'))


def relay(folder):
    with tempfile.TemporaryDirectory() as temporary, Program(folder, 'send', MEDIA / 'vp8.ivf') as a, \
         Program(folder, 'relay') as server:
        viewers = [Program(folder, 'record', Path(temporary, str(i))) for i in range(3)]
        programs = [a, *viewers]
        carry(server, lambda line: programs[int(line.split(b' ', 1)[0])].write(line.split(b' ', 1)[1]))
        for number, program in enumerate(programs):
            if number > 0:
                Path(temporary, str(number - 1)).mkdir()
                server.write(b'%d' % number)
            carry(program, lambda line, number=number: server.write(b'%d %s' % (number, line)))
        for number, viewer in enumerate(viewers):
            path = Path(temporary, str(number), '1.ivf')
            await_size(path, 2 * (MEDIA / 'vp8.ivf').stat().st_size)
            with viewer:
                viewer.end()
            check_record(path, len(viewers))
        server.end()


def rtp_packets():
    """What FFmpeg sent of the film, without RTCP and what leaves no room for an extension."""
    data, packets, at = (MEDIA / 'vp8.rtp').read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 2])
        packets.append(data[at + 2:at + 2 + size])
        at += 2 + size
    return [packet for packet in packets if not 192 <= packet[1] <= 223 and len(packet) < 1150]


def udp():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(('127.0.0.1', 0))
    one.settimeout(0.02)  # between two packets of ours
    return one, one.getsockname()[1]


def gateway(folder):
    """Plain RTP, through a gateway into a mirror and back; the program that sends is replaced, then the one that hears."""
    packets = rtp_packets()
    heard, out_port = udp()
    source, in_port = udp()
    source.close()
    source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with Program(folder, 'gateway', str(in_port), str(out_port)) as a, Program(folder, 'mirror') as b:
        carry(a, b.write)
        carry(b, a.write)

        def play(count, ssrc, first, listener):
            """So many packets, one every 20 ms; what is heard meanwhile."""
            got = []
            for i in range(count):
                packet = bytearray(packets[i % len(packets)])
                packet[2:4] = (first + i & 0xffff).to_bytes(2)
                packet[8:12] = ssrc.to_bytes(4)
                source.sendto(packet, ('127.0.0.1', in_port))
                try:
                    got.append(listener.recv(2000))
                except socket.timeout:
                    pass
            return got

        def play_whole(count, ssrc, first, listener):
            """And until the last of them is heard, however long that takes."""
            got = play(count, ssrc, first, listener)
            end = time.monotonic() + PATIENCE
            while not got or got[-1][12:] != packets[(count - 1) % len(packets)][12:]:
                assert time.monotonic() < end, f'the last of {count} packets does not come back'
                try:
                    got.append(listener.recv(2000))
                except socket.timeout:
                    pass
            return got

        def in_order(got):
            sequence = [int.from_bytes(packet[2:4]) for packet in got]
            return all((b - a) & 0xffff == 1 for a, b in zip(sequence, sequence[1:]))

        got = []
        end = time.monotonic() + PATIENCE
        while len(got) < 50:
            assert time.monotonic() < end, 'nothing comes back'
            got += play(len(packets), 7, 60000, heard)
        payloads = {packet[12:] for packet in packets}
        assert {packet[12:] for packet in got} <= payloads and {packet[1] & 127 for packet in got} == {96}
        first = play_whole(100, 7, 100, heard)
        second = play_whole(100, 8, 40000, heard)  # another program, another stream
        assert len(second) > 50 and in_order(second) and in_order(first), (len(first), len(second))
        assert {packet[8:12] for packet in second} == {packet[8:12] for packet in got}
        heard.close()
        play(20, 8, 40100, udp()[0])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind(('127.0.0.1', out_port))
            again.settimeout(0.02)
            assert len(play_whole(100, 8, 40120, again)) > 50
        source.close()
        a.end()
        b.end()


def main():
    folder = Path(sys.argv[1]).absolute()
    examples = {f.__name__: f for f in (first_program, own_signalling, chat, echo_server, file_transfer, many_peers, no_loop,
                                        own_event_loop, send, relay, gateway, turn_server, doctor)}
    if 'KITH' not in os.environ:  # without libwebsockets there is neither the command nor libkith-signal
        del examples['first_program'], examples['own_signalling']
    for name in sys.argv[3:] or examples:
        examples[name](folder)
        print(f'{name}: ok')


main()
