"""Signalers in rooms of `kith serve`, through a wire that can be cut, with TLS and without."""
import base64
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / 'tools'))
from kit import KITH, LIMIT, Peer, Process  # noqa: E402

TALK = os.environ['TALK']


class Talk(Process):
    """`talk`, whose lines are words."""

    def __init__(self, *args):
        super().__init__(*args, command=[TALK])

    def next(self):
        line = self.lines.get(timeout=LIMIT)
        return None if line is None else line.rstrip('\n')

    def say(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def expect(self, pattern):
        """The next line is this one; its groups."""
        line = self.next()
        found = line is not None and re.fullmatch(pattern, line)
        assert found, (line, pattern, self.errors)
        return found.groups()

    def until_line(self, pattern):
        while (line := self.next()) is not None:
            if found := re.fullmatch(pattern, line):
                return found.groups()
        raise AssertionError(f'ended without {pattern} {self.errors}')


class Listener(threading.Thread):
    """Serves each connection in a thread of its own."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.url = f'ws://127.0.0.1:{self.port}/room'
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()


class Wire(Listener):
    """Carries connections to a server, with TLS when it has a certificate, until it is cut."""

    def __init__(self, target, certificate=None):
        self.target, self.pairs, self.open, self.lock = target, [], True, threading.Lock()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        super().__init__()

    def serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            with self.lock:
                if not self.open:
                    client.close()
                    return
                server = socket.create_connection(('127.0.0.1', self.target), timeout=LIMIT)
                self.pairs.append((client, server))
            threading.Thread(target=self.pipe, args=[server, client], daemon=True).start()
            self.pipe(client, server)
        except OSError:
            client.close()

    def pipe(self, source, sink):
        try:
            source.settimeout(None)
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in source, sink:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self, is_open=False):
        """Ends what is carried; nothing more is, unless is_open."""
        with self.lock:
            self.open = is_open
            for pair in self.pairs:
                for end in pair:
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            self.pairs = []

    def mend(self, target=None):
        with self.lock:
            self.open, self.target = True, target or self.target

    def close(self):
        self.cut()
        self.listener.close()


def make_certificate(folder):
    files = [str(Path(folder) / name) for name in ('cert.pem', 'key.pem')]
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2', '-keyout', files[1],
                    '-out', files[0]], check=True, capture_output=True)
    return files


class Rooms(unittest.TestCase):
    def serve(self):
        """A server's port and process."""
        process = subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def stop():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT)
        self.addCleanup(stop)
        line = process.stdout.readline()
        return int(re.search(r':(\d+)/', line)[1]), process

    def setUp(self):
        self.port, _ = self.serve()

    def wire(self, **options):
        wire = Wire(self.port, **options)
        self.addCleanup(wire.close)
        return wire

    def talk(self, url, *args):
        talk = Talk(url, *args)
        self.addCleanup(talk.stop)
        talk.expect('state connecting ')
        return talk

    def joined(self, url, *args):
        talk = self.talk(url, *args)
        talk.expect('state joined ')
        return talk

    def test_two_hear_each_other(self):
        url = f'ws://127.0.0.1:{self.port}/two'
        first = self.joined(url)
        second = self.joined(url)
        peer, = second.expect('peer ([0-9a-f]+) 1')
        other, = first.expect('peer ([0-9a-f]+) 1')
        self.assertNotEqual(peer, other)
        for text in 'hello', '{"any":"thing"}', '[]', 'x' * 250000, '{"hub" :1}', '\u20ac':
            first.say(f'send - {text}')
            first.expect('sent OK')
            self.assertEqual(second.next(), f'text {peer} {text}')
        second.say('leave')
        self.assertEqual(second.wait(), 0)
        first.expect(f'left {other}')

    def test_a_text_waits_for_somebody(self):
        url = f'ws://127.0.0.1:{self.port}/early'
        first = self.joined(url)
        first.say('send - early')
        first.expect('sent OK')
        second = self.joined(url)
        second.expect('peer .*')
        second.expect('text .* early')

    def test_many_hear_each_other(self):
        url = f'ws://127.0.0.1:{self.port}/crowd?many'
        talks = []
        for number in range(4):
            talks.append(self.joined(url))
            for _ in range(number):
                talks[-1].expect('peer .* 1')
        ids = [None] * 4
        for number, talk in enumerate(talks[:3]):
            for later in range(number + 1, 4):
                ids[later], = talk.expect('peer ([0-9a-f]+) 1')
        for number in 1, 2, 3:
            talks[0].say(f'send {ids[number]} for {number} "\u20ac"')
            talks[0].expect('sent OK')
            ids[0], = talks[number].expect(f'text ([0-9a-f]+) for {number} "\u20ac"')
            talks[number].say(f'send {ids[0]} back')
            talks[number].expect('sent OK')
            talks[0].expect(f'text {ids[number]} back')
        talks[0].say('send nobody hello')
        talks[0].expect('sent OK')
        talks[0].expect('error nobody no such member is in the room')

    def test_a_refusal_is_final(self):
        url = f'ws://127.0.0.1:{self.port}/full'
        self.joined(url)
        self.joined(url)
        third = self.talk(url)
        third.expect('state closed .*4001.*the room is full.*')
        for path in '/no/room', '/' + 'x' * 65:
            self.talk(f'ws://127.0.0.1:{self.port}{path}').expect('state closed .*404')

    def test_nothing_is_lost_when_the_wire_is_cut(self):
        wire = self.wire()
        url = f'ws://127.0.0.1:{wire.port}/cut'
        first, second = self.joined(url), self.joined(url)
        second.expect('peer .*')
        first.expect('peer .*')
        count = 0
        for _ in range(3):
            for talk in first, second:
                for number in range(20):
                    talk.say(f'send - {count + number}')
            wire.cut(is_open=True)
            for talk, other in (first, second), (second, first):
                seen = []
                while len(seen) < 20:
                    line = other.next()
                    self.assertFalse(line.startswith(('peer', 'left', 'error')), line)
                    if line.startswith('text'):
                        seen.append(int(line.split()[2]))
                self.assertEqual(seen, list(range(count, count + 20)))
            count += 20

    def test_a_server_that_comes_again_finds_the_same_peers(self):
        port, process = self.serve()
        wire = Wire(port)
        self.addCleanup(wire.close)
        url = f'ws://127.0.0.1:{wire.port}/again'
        first, second = self.joined(url), self.joined(url)
        for talk in first, second:
            talk.expect('peer .* 1')
        wire.cut()
        process.kill()
        for talk in first, second:
            talk.expect('state waiting .+')
            talk.say('send - kept')
        port, _ = self.serve()
        wire.mend(port)
        for talk in first, second:
            talk.until_line('state joined ')
        for talk in first, second:  # whose ID is another, but not its program
            talk.until_line('peer .* 0')
        for talk in first, second:
            talk.until_line('text .* kept')

    def test_what_is_attached_goes_on_under_another_id(self):
        port, process = self.serve()
        wire = Wire(port)
        self.addCleanup(wire.close)
        url = f'ws://127.0.0.1:{wire.port}/many?many'
        first, second = self.joined(url), self.joined(url)
        second.expect('peer .* 1')
        before, = first.expect('peer (.*) 1')
        first.say(f'attach {before}')
        offer = r'text .* .*ice-ufrag:([^\\]+).*'
        ufrag = second.until_line(offer)
        wire.cut()
        process.kill()
        for talk in first, second:
            talk.until_line('state waiting .+')
        port, _ = self.serve()
        wire.mend(port)
        after, = first.until_line('peer (.*) 0')
        self.assertNotEqual(after, before)
        self.assertEqual(second.until_line(offer), ufrag)

    def test_a_connection_stands_while_the_signalling_is_away(self):
        wire = self.wire()
        url = f'ws://127.0.0.1:{wire.port}/stands'
        answerer = Peer('answer', '--echo', '--signal', url)
        self.addCleanup(answerer.stop)
        answerer.until(room='stands')
        offerer = Peer('offer', '--signal', url)
        self.addCleanup(offerer.stop)
        offerer.until(channel='kith', open=True)
        wire.cut()
        offerer.give({'text': 'still here'})
        offerer.until(text='still here')
        wire.mend()
        offerer.give({'text': 'and again'})
        offerer.until(text='and again')
        offerer.end_input()
        self.assertEqual(offerer.wait(), 0, offerer.errors)
        self.assertEqual(answerer.wait(), 0, answerer.errors)

    def test_a_certificate_must_be_vouched_for(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate = make_certificate(folder)
            wire = self.wire(certificate=certificate)
            url = f'wss://localhost:{wire.port}/tls'
            first = self.joined(url, certificate[0])
            second = self.joined(url, certificate[0])
            first.expect('peer .*')
            second.expect('peer .*')
            first.say('send - secret')
            second.expect('text .* secret')
            self.talk(url).expect('state waiting .+')  # the system knows nothing of it
            # It is for another name.
            self.talk(f'wss://127.0.0.1:{wire.port}/tls', certificate[0]).expect('state waiting .+')
            missing = self.talk(url, folder + '/missing.pem')
            missing.expect('state (closed|waiting) .+')


class HostileHub(Listener):
    """A WebSocket server that says what it likes."""

    def __init__(self, *texts, reads=True):
        self.texts, self.reading, self.enough = texts, threading.Event(), threading.Event()
        self.received, self.wanted = 0, 0
        if reads:
            self.reading.set()
        super().__init__()

    def serve(self, client):
        with client, client.makefile('rb') as stream:
            for line in iter(stream.readline, b'\r\n'):
                if line.lower().startswith(b'sec-websocket-key:'):
                    key = line.split()[1] + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
            accept = base64.b64encode(hashlib.sha1(key).digest())
            client.sendall(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
                           b'Sec-WebSocket-Protocol: kith\r\nSec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
            for text in self.texts:
                data = text if isinstance(text, bytes) else text.encode()
                try:
                    client.sendall(struct.pack('>BBQ', 0x81, 127, len(data)) + data)
                except OSError:
                    break
            self.reading.wait(LIMIT)
            while data := stream.read1(65536):
                self.received += len(data)
                if self.received > self.wanted:
                    self.enough.set()


class Refusing(Listener):
    """Answers every request with this HTTP status."""

    def __init__(self, status):
        self.status = status
        super().__init__()

    def serve(self, client):
        with client, client.makefile('rb') as stream:
            for _ in iter(stream.readline, b'\r\n'):
                pass
            client.sendall(f'HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n'.encode())


class Hostile(unittest.TestCase):
    def test_a_hub_that_says_anything_is_survived(self):
        welcome = {'hub': 'welcome', 'seat': 's', 'peer': 'p', 'received': 0, 'peers': [{'peer': 'a', 'epoch': 'b'}]}
        mad = [
            '', '{', '[]', 'null', '{"hub":', '{"hub":5}', '{"hub":"joined"}', '{"hub":"left","peer":7}',
            '{"hub":"welcome"}', '{"hub":"welcome","peers":5,"iceServers":5,"received":-1}',
            '{"hub":"welcome","peers":[5,null,{}],"iceServers":[5,{"urls":[5,"stun:"]},{"urls":{}}]}',
            '{"hub":"joined","peer":"' + 'x' * 100 + '","epoch":"y"}', '{"hub":"error","reason":[]}',
            '{"hub":"error","reason":"' + 'x' * 5000 + '"}', b'\xff\xfe', b'{"hub":"\xff"}', '\0', '{"from":5}',
            *(f'{{"hub":"joined","peer":"{number}","epoch":"{number}"}}' for number in range(200)),
            *(f'{{"hub":"left","peer":"{number}"}}' for number in range(200)),
            json.dumps(welcome, separators=(',', ':')), 'at last',
        ]
        for query in '', '?many':
            texts = mad if not query else [*mad[:-1], '{"from":"a","message":"at last"}']
            hub = HostileHub(*texts)
            talk = Talk(hub.url + query)
            self.addCleanup(talk.stop)
            talk.until_line('text .* at last')
            hub.listener.close()

    def test_who_has_left_is_told_before_who_comes_in_his_place(self):
        def welcome(seat, letter):
            peers = [{'peer': f'{letter}{number}', 'epoch': f'{letter}{number}'} for number in range(64)]
            return json.dumps({'hub': 'welcome', 'seat': seat, 'peer': 'p', 'received': 0, 'peers': peers},
                              separators=(',', ':'))
        hub = HostileHub(welcome('s', 'a'), welcome('t', 'b'))
        talk = Talk(hub.url + '?many')
        self.addCleanup(talk.stop)
        for letter in 'ab':
            talk.until_line('state joined .*')
            for number in range(64 if letter == 'b' else 0):
                talk.expect(f'left a{number}')
            for number in range(64):
                talk.expect(f'peer {letter}{number} 1')
        hub.listener.close()

    def test_a_server_that_does_not_read_is_waited_for(self):
        hub = HostileHub('{"hub":"welcome","seat":"s","peers":[{"peer":"a","epoch":"a"}]}', reads=False)
        talk = Talk(hub.url)
        self.addCleanup(talk.stop)
        talk.until_line('peer a 1')
        size, count = 200000, 0
        while count < 1000:
            talk.say('send - ' + 'x' * size)
            if talk.until_line('sent (.*)') == ('AGAIN',):
                break
            count += 1
        self.assertLess(count, 1000)
        hub.wanted = count * size  # and frames around them
        hub.reading.set()
        self.assertTrue(hub.enough.wait(LIMIT), (hub.received, hub.wanted))
        hub.listener.close()

    def test_what_is_about_the_time_is_no_refusal(self):
        for status, state in ((400, 'closed'), (401, 'closed'), (404, 'closed'), (408, 'waiting'), (425, 'waiting'),
                              (429, 'waiting'), (500, 'waiting'), (503, 'waiting')):
            server = Refusing(status)
            talk = Talk(server.url)
            self.addCleanup(talk.stop)
            talk.until_line(f'state {state} .+')
            server.listener.close()

    def test_a_text_that_is_too_long_ends_the_connection(self):
        hub = HostileHub('x' * (512 * 1024 + 1))
        talk = Talk(hub.url)
        self.addCleanup(talk.stop)
        talk.until_line('state waiting .+')
        hub.listener.close()

    def test_a_burst_of_texts_is_told_whole(self):
        hub = HostileHub(*(f'{number}' for number in range(20000)))
        talk = Talk(hub.url)
        self.addCleanup(talk.stop)
        for number in range(20000):
            talk.until_line(f'text  ?{number}')
        hub.listener.close()


if __name__ == '__main__':
    unittest.main(verbosity=2)
