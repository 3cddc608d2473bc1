"""`kith peer offer` and `kith peer answer`, two processes wired together over loopback."""
import base64
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from kit import KITH, LIMIT, Pair, Peer, Process, Reordered, run, together


class Messages(unittest.TestCase):
    def exchange(self, text, both=()):
        with Pair(both=both) as pair:
            offerer, answerer = pair.connect()
            offerer.give({'text': text})
            answerer.give({'text': text[::-1]})
            self.assertEqual(answerer.until(text=text), {'text': text})
            self.assertEqual(offerer.until(text=text[::-1]), {'text': text[::-1]})
            self.close_cleanly(offerer, answerer)

    def close_cleanly(self, first, second):
        first.end_input()
        second.until(open=False)
        second.end_input()
        self.assertEqual(first.wait(), 0, first.errors)
        self.assertEqual(second.wait(), 0, second.errors)
        self.assertEqual(first.errors + second.errors, [])

    def test_text_goes_both_ways_and_the_end_of_input_closes_cleanly(self):
        self.exchange('good day')

    def test_text_of_every_kind_arrives_as_it_was(self):
        self.exchange('\u00e4\u4e16\U0001f600 "quoted" \\ \n tab\t nul\u0000 end')

    def test_empty_text_is_a_message(self):
        self.exchange('')

    def test_unordered_channel_carries_messages(self):
        self.exchange('anyhow', both=['--unordered'])

    def test_partially_reliable_channels_carry_messages(self):
        self.exchange('once', both=['--max-retransmits', '0'])
        self.exchange('soon', both=['--max-packet-life-time', '5000'])

    def test_negotiated_channel_needs_no_handshake(self):
        self.exchange('agreed', both=['--negotiated', '7'])

    def test_without_trickle_the_description_is_complete(self):
        with Pair(both=['--no-trickle']) as pair:
            offerer, answerer = pair.connect()
            for peer in offerer, answerer:
                self.assertEqual(len(peer.signals), 1)
                self.assertIn('a=candidate:', peer.signals[0]['sdp'])
                self.assertIn('a=end-of-candidates', peer.signals[0]['sdp'])

    def test_candidates_that_come_before_their_description_are_kept(self):
        for late in 'offerer', 'answerer':
            with Pair() as pair:
                peer = getattr(pair, late)
                peer.other = Reordered(peer.other.give)
                offerer, answerer = pair.connect()
                self.assertGreater(peer.other.given_early, 1)
                self.close_cleanly(offerer, answerer)

    def test_candidates_without_a_description_have_a_limit(self):
        line = json.dumps({'candidate': 'candidate:1 1 udp 1 192.0.2.1 9 typ host', 'sdpMid': '0'})
        status, _, errors = run('peer', 'answer', stdin=1000 * (line + '\n'))
        self.assertEqual(status, 1)
        self.assertIn('more than 64 candidates wait for their description', errors)

    def test_all_candidates_have_the_port_that_is_asked_for(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:  # a port that is free now
            one.bind(('::', 0))
            port = one.getsockname()[1]
        with Pair(offer=['--port', str(port), '--tcp-port', str(port)]) as pair:
            offerer, answerer = pair.connect()
            candidates = [line['candidate'].split() for line in offerer.signals if line.get('candidate')]
            for kind, expected in ('udp', port), ('passive', port), ('active', 9):
                ports = {words[5] for words in candidates if kind in words}
                self.assertEqual(ports, {str(expected)}, kind)
            self.close_cleanly(offerer, answerer)

    def test_an_external_address_is_told_beside_the_one_that_has_it_or_in_its_place(self):
        for only in [], ['--external-only']:
            options = ['--no-trickle', '--port-range', '20000-60000', '--external', '203.0.113.7/127.0.0.1']
            with Pair(both=['--no-trickle'], offer=options + only) as pair:
                offerer, answerer = pair.connect()
                lines = [line.split() for line in offerer.signals[0]['sdp'].splitlines()
                         if line.startswith('a=candidate:') and ' udp ' in line]
                host = [words for words in lines if words[4] == '127.0.0.1']
                mapped = [words for words in lines if words[4] == '203.0.113.7']
                self.assertEqual(len(host), 0 if only else 1)
                self.assertEqual(len(mapped), 1)
                self.assertIn('srflx', mapped[0])
                self.assertTrue(all(20000 <= int(words[5]) <= 60000 for words in host + mapped))
                self.close_cleanly(offerer, answerer)

    def test_trickled_candidates_end_with_an_empty_one(self):
        with Pair() as pair:
            offerer, _ = pair.connect()
            self.assertEqual(set(offerer.signals[0]), {'type', 'sdp'})
            self.assertNotIn('a=candidate:', offerer.signals[0]['sdp'])
            candidates = [line['candidate'] for line in offerer.signals[1:]]
            self.assertTrue(all(c.startswith('candidate:') for c in candidates if c))
            self.assertEqual(candidates[-1], '')

    def test_binary_of_many_sizes_arrives(self):
        with Pair() as pair:
            offerer, answerer = pair.connect()
            for size in 0, 1, 1200, 16384, 65536, 262144:
                data = base64.b64encode(os.urandom(size)).decode()
                offerer.give({'binary': data})
                self.assertEqual(answerer.until(binary=data), {'binary': data})
            self.close_cleanly(answerer, offerer)

    def test_echo_returns_text_and_binary_as_they_came(self):
        with Pair(answer=['--echo']) as pair:
            offerer, answerer = pair.connect()
            for message in {'text': 'to and fro'}, {'binary': 'AAEC/w=='}, {'text': ''}, {'binary': ''}:
                offerer.give(message)
                self.assertEqual(offerer.until(**message), message)
            self.close_cleanly(offerer, answerer)

    def test_messages_given_early_wait_for_the_channel(self):
        with Pair(offer=['--label', 'early']) as pair:
            pair.offerer.give({'text': 'first'})
            offerer, answerer = pair.connect('early')
            self.assertEqual(answerer.until(text='first'), {'text': 'first'})
            self.close_cleanly(offerer, answerer)

    def test_everything_queued_is_sent_before_closing(self):
        with Pair(answer=['--quiet', '--echo'], offer=[]) as pair:
            offerer, answerer = pair.connect()
            for number in range(2000):
                offerer.give({'text': f'{number} ' + 'x' * 1000})
            offerer.end_input()
            answerer.until(open=False)
            answerer.end_input()
            self.assertEqual(offerer.wait(), 0, offerer.errors)
            self.assertEqual(answerer.wait(), 0, answerer.errors)

    def test_a_channel_can_be_closed_by_its_label(self):
        for closer in range(2):
            with Pair() as pair:
                peers = pair.connect()
                peers[closer].give({'close': 'kith'})
                for peer in peers:
                    peer.until(channel='kith', open=False)

    def test_states_are_told_in_order(self):
        with Pair() as pair:
            offerer, _ = pair.connect()
            states = [line['state'] for line in offerer.seen if 'state' in line]
            self.assertEqual(states, ['connecting', 'connected'])


class Restart(unittest.TestCase):
    """ICE restarts by an input line; tests/interop/outage.py holds that it does so by itself."""

    def restart(self, restarter, both=()):
        with Pair(both=both) as pair:
            offerer, answerer = pair.connect()
            first = [peer.signals[0] for peer in (offerer, answerer)]
            asker, other = (offerer, answerer) if restarter == 'offerer' else (answerer, offerer)
            asker.give({'restart': True})
            offer = asker.until_signal(type='offer')
            answer = other.until_signal(type='answer')
            for before, after in zip(first, (offer, answer) if restarter == 'offerer' else (answer, offer)):
                ufrags = [re.search('a=ice-ufrag:(.*)', d['sdp'])[1] for d in (before, after)]
                self.assertNotEqual(*ufrags)
            if '--no-trickle' in both:
                self.assertIn('a=candidate:', offer['sdp'])
                self.assertIn('a=candidate:', answer['sdp'])
            else:
                together(*(lambda peer=peer: peer.until_signal(candidate='') for peer in (asker, other)))
            for sender, receiver in (asker, other), (other, asker):
                sender.give({'text': 'still here'})
                receiver.until(text='still here')
            offerer.end_input()
            self.assertEqual([peer.wait() for peer in (offerer, answerer)], [0, 0])
            self.assertEqual(offerer.errors + answerer.errors, [])

    def test_either_side_restarts_ice_by_a_line(self):
        for restarter in 'offerer', 'answerer':
            self.restart(restarter)
            self.restart(restarter, ['--no-trickle'])

    def test_both_sides_at_once_are_settled(self):
        with Pair() as pair:
            offerer, answerer = pair.connect()
            offers = []
            for peer in offerer, answerer:  # neither offer is handed on before both are made
                peer.give({'restart': True})
                while 'sdp' not in (description := Process.next(peer)):
                    pass
                offers.append(description)
            answerer.give(offers[0])
            offerer.give(offers[1])
            answerer.until_signal(type='answer')
            for peer in offerer, answerer:
                peer.give({'text': 'still here'})
            together(lambda: offerer.until(text='still here'), lambda: answerer.until(text='still here'))
            offerer.end_input()
            self.assertEqual([peer.wait() for peer in (offerer, answerer)], [0, 0])

    def test_without_a_connection_there_is_nothing_to_restart(self):
        status, _, errors = run('peer', 'answer', '--loopback', stdin='{"restart":true}\n')
        self.assertEqual(status, 1)
        self.assertIn('nothing to restart', errors)


class Files(unittest.TestCase):
    def send(self, size, name='some file.bin'):
        with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
            path = os.path.join(here, name)
            content = os.urandom(size)
            with open(path, 'wb') as file:
                file.write(content)
            with Pair(offer=['--send-file', path], answer=['--receive-dir', there]) as pair:
                offerer, answerer = pair.connect()
                offerer.end_input()
                receipt = answerer.until(received=name)
                answerer.until(open=False)
                answerer.end_input()
                self.assertEqual(offerer.wait(), 0, offerer.errors)
                self.assertEqual(answerer.wait(), 0, answerer.errors)
            digest = hashlib.sha256(content).hexdigest()
            self.assertEqual(receipt, {'received': name, 'size': size, 'sha256': digest, 'ok': True,
                                       'path': os.path.join(there, name)})
            self.assertIn({'sent': name, 'size': size, 'sha256': digest, 'ok': True}, offerer.seen)
            with open(receipt['path'], 'rb') as file:
                self.assertEqual(file.read(), content)

    def test_files_of_many_sizes_arrive_whole(self):
        for size in 0, 1, 65536, 65537, 5_000_000:
            with self.subTest(size=size):
                self.send(size)

    def test_a_peer_that_announces_no_size_gets_pieces_of_16_kib(self):
        class Silent:
            def __init__(self, receiver):
                self.give = lambda obj: receiver.give(
                    {**obj, 'sdp': re.sub('a=max-message-size:.*\r\n', '', obj['sdp'])} if 'sdp' in obj else obj)

        with tempfile.NamedTemporaryFile() as file:
            file.write(os.urandom(200_000))
            file.flush()
            for announces, largest in (True, 65536), (False, 16384):
                with Pair(offer=['--send-file', file.name]) as pair:
                    if not announces:
                        pair.answerer.other = Silent(pair.offerer)
                    _, answerer = pair.connect()
                    json.loads(answerer.next()['text'])
                    sizes = []
                    while sum(sizes) < 200_000:
                        sizes.append(len(base64.b64decode(answerer.next()['binary'])))
                    self.assertEqual(max(sizes), largest)

    def receive(self, directory, messages):
        """What a receiver answers to hand-made messages of a sender."""
        with Pair(answer=['--receive-dir', directory]) as pair:
            offerer, answerer = pair.connect()
            for message in messages:
                offerer.give(message)
            return answerer.until(received=messages[0]['name']) if 'name' in messages[0] else answerer.next()

    def header(self, name, size, sha256=None):

        return {'text': json.dumps({'file': name, 'size': size, **({'sha256': sha256} if sha256 else {})})}

    def test_a_name_cannot_leave_the_directory(self):
        with tempfile.TemporaryDirectory() as outer:
            inner = os.path.join(outer, 'inner')
            os.mkdir(inner)
            for name in '../escaped', '/etc/escaped', '..\\escaped', '..', '.hidden', 'new\nline', '':
                with self.subTest(name=name):
                    line = self.receive(inner, [self.header(name, 2), {'binary': 'aGk='}])
                    self.assertTrue(line['ok'], line)
                    self.assertEqual(os.path.dirname(line['path']), inner)
                    self.assertFalse(os.path.basename(line['path']).startswith('.'))
            self.assertEqual(os.listdir(outer), ['inner'])

    def test_nothing_that_exists_is_overwritten(self):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, 'a'), 'w', encoding='ascii') as file:
                file.write('old')
            line = self.receive(directory, [self.header('a', 2), {'binary': 'aGk='}])
            self.assertEqual(os.path.basename(line['path']), 'a (2)')
            with open(os.path.join(directory, 'a'), encoding='ascii') as file:
                self.assertEqual(file.read(), 'old')

    def test_wrong_bytes_are_refused_and_removed(self):
        with tempfile.TemporaryDirectory() as directory:
            for messages in ([self.header('a', 2, '0' * 64), {'binary': 'aGk='}],
                             [self.header('a', 1), {'binary': 'aGk='}],
                             [self.header('a', 5 * 2**30)],
                             [self.header('a', -1)],
                             [self.header('a', 2, 'no hash')]):
                line = self.receive(directory, messages)
                self.assertFalse(line['ok'], line)
                self.assertTrue(line['reason'])
            self.assertEqual(os.listdir(directory), [])


class Stun(unittest.TestCase):
    """A server that sees every client at an address for documentation (RFC 5737)."""

    def setUp(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.url = f'stun:127.0.0.1:{self.socket.getsockname()[1]}'

    def tearDown(self):
        self.socket.close()

    def answer(self):
        # RFC 8489: a success response with XOR-MAPPED-ADDRESS 192.0.2.77:4660
        cookie = 0x2112A442
        while True:
            try:
                request, client = self.socket.recvfrom(2048)
            except OSError:
                return
            mapped = struct.pack('>HHBBHI', 0x0020, 8, 0, 1, 4660 ^ (cookie >> 16), 0xC000024D ^ cookie)
            self.socket.sendto(struct.pack('>HHI', 0x0101, len(mapped), cookie) + request[8:20] + mapped, client)

    def candidates(self):
        peer = Peer('offer', '--ice-server', self.url)
        peer.other = type('Nobody', (), {'give': staticmethod(lambda _: None)})
        while not peer.signals or peer.signals[-1].get('candidate') != '':
            line = Process.next(peer)
            self.assertIsNotNone(line, peer.errors)
            peer.signals.append(line)
        peer.stop()
        return [line['candidate'] for line in peer.signals if 'candidate' in line]

    def test_the_address_that_a_server_sees_becomes_a_candidate(self):
        threading.Thread(target=self.answer, daemon=True).start()
        found = [line for line in self.candidates() if ' typ srflx ' in line]
        self.assertEqual(len(found), 1, found)
        self.assertIn(' 192.0.2.77 4660 typ srflx raddr ', found[0])


class Ends(unittest.TestCase):
    def test_a_peer_ends_when_the_other_side_closes(self):
        with Pair() as pair:
            offerer, answerer = pair.connect()
            offerer.end_input()
            self.assertEqual(offerer.wait(), 0, offerer.errors)
            self.assertEqual(answerer.wait(), 0, answerer.errors)
            self.assertEqual(answerer.seen[-2:], [{'channel': 'kith', 'open': False}, {'state': 'closed'}])

    def test_a_signal_closes_gracefully(self):
        for number in signal.SIGINT, signal.SIGTERM:
            with Pair() as pair:
                offerer, answerer = pair.connect()
                offerer.give({'text': 'one more'})
                answerer.until(text='one more')
                offerer.process.send_signal(number)
                self.assertEqual(offerer.wait(), 0, offerer.errors)
                self.assertEqual(answerer.wait(), 0, answerer.errors)

    def test_a_wrong_fingerprint_is_a_failure_that_is_explained(self):
        for liar in 'offerer', 'answerer':
            with Pair() as pair:
                peer = getattr(pair, liar)
                peer.other = Forger(peer.other)
                pump = threading.Thread(target=pair.answerer.wait, daemon=True)
                pump.start()
                self.assertEqual(pair.offerer.wait(), 3)
                pump.join(timeout=LIMIT)
                for victim in pair.offerer, pair.answerer:
                    self.assertIn({'state': 'failed'}, victim.seen)
                    self.assertTrue(any('the connection failed: ' in line for line in victim.errors), victim.errors)

    def with_streams(self, streams, role='offer', status=1):
        """Runs a peer whose standard streams are as a shell makes them; what it says. Its input does not end."""
        reader, writer = os.pipe()
        with subprocess.Popen(['sh', '-c', f'exec "$0" peer {role} --loopback {streams}', KITH], stdin=reader,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as peer:
            os.close(reader)
            try:
                _, errors = peer.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                peer.kill()
                raise
            finally:
                os.close(writer)
        self.assertEqual(peer.returncode, status, errors)
        return errors

    def test_a_closed_standard_output_ends_it(self):
        for role in 'offer', 'answer':
            self.assertEqual(self.with_streams('>&-', role), 'kith peer: nobody reads standard output any more\n')
            self.assertIn('nobody reads', self.with_streams('>&- </dev/zero', role))

    def test_a_closed_standard_input_ends_it(self):
        for role in 'offer', 'answer':
            self.assertEqual(self.with_streams('<&-', role, 3), 'kith peer: closed before a connection was established\n')
            self.assertIn('nobody reads', self.with_streams('<&- >&-', role))

    def test_a_reader_that_leaves_ends_it_though_nothing_is_written(self):
        with subprocess.Popen([KITH, 'peer', 'answer', '--loopback'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as peer:
            peer.stdout.close()
            self.assertEqual(peer.wait(timeout=LIMIT), 1)
            self.assertIn('nobody reads', peer.stderr.read())

    def test_a_reader_that_reads_nothing_delays_the_end_by_two_seconds(self):
        with Pair() as pair:
            offerer, answerer = pair.connect()
            answerer.stop_reading()
            for _ in range(40):
                offerer.give({'text': 'x' * 10000})
            offerer.end_input()
            self.assertEqual(offerer.wait(), 0, offerer.errors)
            self.assertEqual(answerer.process.wait(timeout=LIMIT), 1)
            answerer.threads[1].join(timeout=LIMIT)
            self.assertIn('last lines are lost', ''.join(answerer.errors))

    def test_a_signal_ends_it_before_it_is_connected(self):
        peer = Process('peer', 'offer', '--loopback')
        self.addCleanup(peer.stop)
        peer.give({'text': 'for whom?'})
        peer.until(type='offer')
        peer.process.send_signal(signal.SIGTERM)
        self.assertEqual(peer.wait(), 3)
        self.assertEqual(peer.errors, ['kith peer: closed before a connection was established\n'])

    def test_nobody_reading_is_a_failure(self):
        reader, writer = os.pipe()
        os.close(reader)
        with subprocess.Popen([KITH, 'peer', 'offer', '--loopback'], stdin=subprocess.PIPE, stdout=writer,
                              stderr=subprocess.PIPE, text=True) as peer:
            os.close(writer)
            self.assertEqual(peer.wait(timeout=LIMIT), 1)
            self.assertIn('nobody reads', peer.stderr.read())


class Forger:
    """Gives descriptions on with another fingerprint."""

    def __init__(self, receiver):
        self.receiver = receiver

    def give(self, obj):
        if 'sdp' in obj:
            forged = re.sub(r'(a=fingerprint:sha-256 ).*', lambda m: m[1] + ':'.join(['AB'] * 32), obj['sdp'])
            assert forged != obj['sdp']
            obj = {**obj, 'sdp': forged.replace('AB\n', 'AB\r\n')}
        self.receiver.give(obj)


class LonelyHub(threading.Thread):
    """A signalling server for one peer: welcomes it to a room of two, refuses all it says, and puts it out at
    its last candidate."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'ws://127.0.0.1:{self.listener.getsockname()[1]}/room'
        self.refused = 0

    def run(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile('rb') as stream:
            for line in iter(stream.readline, b'\r\n'):
                if line.lower().startswith(b'sec-websocket-key:'):
                    key = line.split()[1] + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
            accept = base64.b64encode(hashlib.sha1(key).digest())
            connection.sendall(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
                               b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
            self.say(connection, {'hub': 'welcome', 'room': 'room', 'peer': 'a', 'seat': 'b', 'received': 0, 'polite': False,
                                  'present': True, 'peers': [{'peer': 'c', 'epoch': 'd'}]})
            message = {}
            while message.get('candidate') != '':
                message = json.loads(self.hear(stream))
                self.refused += 1
                self.say(connection, {'hub': 'error', 'reason': 'nobody else is in the room'})
            connection.sendall(struct.pack('>BBH', 0x88, 2, 4001))  # closed: the room is full
            self.hear(stream)

    @staticmethod
    def say(connection, obj):
        text = json.dumps(obj, separators=(',', ':')).encode()
        connection.sendall(struct.pack('>BBH', 0x81, 126, len(text)) + text)

    @staticmethod
    def hear(stream):
        size = stream.read(2)[1] & 127
        if size == 126:
            size = struct.unpack('>H', stream.read(2))[0]
        mask = stream.read(4)
        return bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.read(size)))


class Refusals(unittest.TestCase):
    def test_bad_options_are_explained(self):
        for args, words in ((['peer'], 'offer or answer'),
                            (['peer', 'ofer'], 'offer or answer'),
                            (['peer', 'offer', 'answer'], 'offer or answer'),
                            (['peer', 'offer', '--what'], '--what'),
                            (['peer', 'offer', '--label'], '--label'),
                            (['peer', 'offer', '--max-retransmits', '70000'], '65535'),
                            (['peer', 'offer', '--max-retransmits', '1', '--max-packet-life-time', '1'], 'exclude'),
                            (['peer', 'offer', '--send-file', '/nonexistent'], '/nonexistent'),
                            (['peer', 'offer', '--send-file', '/'], 'regular'),
                            (['peer', 'answer', '--receive-dir', '/nonexistent'], '/nonexistent'),
                            (['peer', 'offer', '--ice-server', 'http://x'], 'http'),
                            (['peer', 'offer', '--ice-server', 'turn:x'], 'a username and a credential'),
                            (['peer', 'offer', '--ice-server', 'turn:x'], 'turn:USERNAME:PASSWORD@HOST'),
                            (['peer', 'offer', '--relay'], '--ice-server turn:USERNAME:PASSWORD@HOST'),
                            (['peer', 'offer', '--relay', '--ice-server', 'stun:x'], '--relay needs a TURN server'),
                            (['peer', 'offer', '--negotiated', '256'], 'from 0 to 255'),
                            (['peer', 'offer', '--ip-handling', 'none'], '--ip-handling'),
                            (['peer', 'offer', '--port-range', '9-1'], '--port-range'),
                            (['peer', 'offer'] + 17 * ['--external', '192.0.2.1'], '--external'),
                            (['peer', 'offer', '--signal', 'http://x/'], 'ws://'),
                            (['peer', 'offer', '--signal', 'ws://h:99999/r'], 'ws://'),
                            (['nothing'], 'nothing'),
                            (['--nothing'], '--nothing')):
            with self.subTest(args=args):
                status, _, errors = run(*args)
                self.assertEqual(status, 2)
                self.assertIn(words, errors)
                self.assertTrue(errors.startswith('kith'))

    def test_help_and_version_answer(self):
        for args in ['--help'], ['--version'], ['peer', '--help'], ['serve', '--help'], ['bench', '--help']:
            status, out, _ = run(*args)
            self.assertEqual(status, 0)
            self.assertIn('kith', out)

    def test_a_bad_description_is_explained_with_its_line(self):
        offer = json.dumps({'type': 'offer', 'sdp': 'v=0\r\ns=-\r\n'})
        status, _, errors = run('peer', 'answer', stdin=offer + '\n')
        self.assertEqual(status, 1)
        self.assertIn('what the other side said is refused: line 2: ', errors)

    def test_bad_lines_are_explained_with_their_number(self):
        with Pair() as pair:
            offerer, answerer = pair.connect()
            bad = ({'text': 5}, {'binary': 'not base64'}, {'sdp': 'v=0', 'type': 'nonsense'}, {'nothing': 1},
                   {'text': 'x', 'channel': 'unknown'}, {'close': 'unknown'}, [1], {'type': 'offer', 'sdp': 'x'})
            for line in bad:
                offerer.give(line)
            offerer.give({'text': 'still here'})
            answerer.until(text='still here')
            offerer.end_input()
            answerer.until(open=False)
            answerer.end_input()
            self.assertEqual(offerer.wait(), 1)
            answerer.wait()
            for number in range(len(bad)):
                self.assertTrue(any('of standard input' in error for error in offerer.errors))
            self.assertEqual(sum('of standard input' in error for error in offerer.errors), len(bad))

    def test_input_that_ends_before_the_description_is_a_failure(self):
        status, _, errors = run('peer', 'offer', '--loopback', stdin='{"text":"nobody"}\n')
        self.assertEqual(status, 3)
        self.assertIn('description', errors)
        status, _, errors = run('peer', 'answer', '--loopback')
        self.assertEqual(status, 3)
        self.assertIn('before a connection', errors)

    def test_a_signalling_server_that_is_not_there_is_a_failure(self):
        peer = Peer('offer', '--signal', 'ws://127.0.0.1:1/room')
        self.assertEqual(peer.wait(), 3)
        self.assertEqual(len(peer.errors), 1)
        self.assertIn('ws://127.0.0.1:1/room: ', peer.errors[0])
        peer.stop()

    def test_an_empty_room_is_told_of_once(self):
        hub = LonelyHub()
        hub.start()
        peer = Peer('offer', '--signal', hub.url)
        self.assertEqual(peer.wait(), 4)
        hub.listener.close()
        self.assertGreater(hub.refused, 2)
        self.assertEqual(sum('nobody else is' in error for error in peer.errors), 1, peer.errors)
        self.assertIn(hub.url + ': ', peer.errors[-1])
        peer.stop()


if __name__ == '__main__':
    unittest.main(verbosity=2)
