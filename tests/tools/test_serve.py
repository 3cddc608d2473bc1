"""`kith serve`: the page, the hub's rooms and refusals, the built-in peer; all without a browser."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from kit import KITH, LIMIT, Peer, Reordered, Wire, run
from test_media import VP8, await_size, ivf_frames
from websocket import BINARY, CONTINUATION, PING, PONG, TEXT, Refused, WebSocket

CANDIDATE = {'candidate': 'candidate:1 1 udp 1 192.0.2.1 9 typ host', 'sdpMid': '0', 'sdpMLineIndex': 0}


# Content types of DTLS records (RFC 5246 section 6.2.1).
ALERT, APPLICATION_DATA = 21, 23


class Served(unittest.TestCase):
    """A server for each test."""

    def setUp(self):
        self.process = subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r'kith serve: open http://127\.0\.0\.1:(\d+)/\n', line)
        self.assertTrue(found, line)
        self.port = int(found[1])

    def tearDown(self):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=LIMIT)
        self.assertEqual(self.process.returncode, 0, errors)
        self.assertEqual(errors, '')

    def request(self, path, method='GET', **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=LIMIT)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def room(self, name='/ws/room', **options):
        return WebSocket(self.port, name, **options)


    def pair(self, name='/ws/room', **options):
        """Two members who have been told of each other, and their welcomes."""
        first, second = self.room(name, **options), self.room(name, **options)
        self.addCleanup(first.socket.close)
        self.addCleanup(second.socket.close)
        welcomes = first.next(), second.next()
        self.assertEqual(first.next()['hub'], 'joined')
        return first, second, *welcomes


class Page(Served):
    def test_the_page_and_its_files_are_served_with_their_types(self):
        folder = os.path.join(os.path.dirname(__file__), '..', '..', 'tools', 'kith', 'web')
        types = {'html': 'text/html', 'css': 'text/css', 'js': 'text/javascript'}
        for name in os.listdir(folder):
            response, body = self.request(f'/{name}')
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers['content-type'], f'{types[name.split(".")[-1]]}; charset=utf-8')
            with open(os.path.join(folder, name), 'rb') as file:
                self.assertEqual(body, file.read())
        self.assertEqual(self.request('/')[1], self.request('/index.html')[1])
        self.assertEqual(self.request('/?room=a')[0].status, 200)

    def test_the_page_may_load_nothing_from_elsewhere(self):
        response, _ = self.request('/')
        self.assertIn("default-src 'none'", response.headers['content-security-policy'])
        self.assertEqual(response.headers['x-content-type-options'], 'nosniff')

    def test_head_has_no_body(self):
        response, body = self.request('/', method='HEAD')
        self.assertEqual((response.status, body), (200, b''))
        self.assertGreater(int(response.headers['content-length']), 1000)

    def test_unknown_pages_methods_and_hosts_are_refused(self):
        self.assertEqual(self.request('/nothing')[0].status, 404)
        self.assertEqual(self.request('/../tool.c')[0].status, 404)
        self.assertEqual(self.request('/' + 'x' * 1000)[0].status, 404)
        self.assertEqual(self.request('/', method='POST')[0].status, 405)
        for host in 'evil.example', 'evil.example:80', '127.0.0.1.evil.example', '':
            response, body = self.request('/', Host=host)
            self.assertEqual(response.status, 403, host)
            self.assertIn(b'IP address', body)
        for host in 'localhost', 'localhost:8080', '127.0.0.1', '[::1]', '[::1]:8080':
            self.assertEqual(self.request('/', Host=host)[0].status, 200, host)


def words(message):
    """A word of the hub without what is another each time."""
    return {key: value for key, value in message.items() if key not in ('peer', 'seat', 'peers')}


def told(message):
    """A word of the hub about another member, without its epoch."""
    return {key: value for key, value in message.items() if key != 'epoch'}


def ids(welcome):
    return [other['peer'] for other in welcome['peers']]


def in_seat(welcome, taken=0):
    """The header by which who read so many texts takes a seat again."""
    return [f'Sec-WebSocket-Protocol: kith, seat.{welcome["seat"]}.{taken}']


class Rooms(Served):
    def test_two_members_get_each_others_texts_as_they_are(self):
        with self.room() as first, self.room() as second:
            ours, theirs = first.next(), second.next()
            self.assertEqual(words(ours), {'hub': 'welcome', 'room': 'room', 'received': 0, 'polite': False,
                                           'present': False})
            self.assertEqual(words(theirs), {'hub': 'welcome', 'room': 'room', 'received': 0, 'polite': True,
                                             'present': True})
            self.assertEqual((ours['peers'], ids(theirs)), ([], [ours['peer']]))
            self.assertEqual(told(first.next()), {'hub': 'joined', 'peer': theirs['peer'], 'polite': False})
            texts = (json.dumps(CANDIDATE), '{ "type":"offer",  "sdp":"v=0\\r\\n", "more": [1, 2] }', 'no JSON', '[]',
                     '{"type":"offer"}', '', '\u0000', '\u20ac\n', ' {"hub":"left"')
            for sender, receiver in (first, second), (second, first):
                for text in texts:
                    sender.send(text)
                    self.assertEqual(receiver.frame(), (TEXT, text.encode()))

    def test_nobody_speaks_as_the_hub(self):
        first, second, *_ = self.pair()
        for text in '{"hub":"left"}', '{"hub":', '{"hub":"welcome","seat":"x","iceServers":[]}':
            first.send(text)
            self.assertEqual(first.next()['hub'], 'error')
        first.send('{"hub" :"left"}')
        self.assertEqual(second.frame(), (TEXT, b'{"hub" :"left"}'))

    def test_the_later_of_two_is_the_polite_one(self):
        first, second, *_ = self.pair()
        first.leave()
        self.assertEqual(second.next()['hub'], 'left')
        with self.room() as third:
            self.assertTrue(third.next()['polite'])
            self.assertFalse(second.next()['polite'])

    def test_the_short_path_is_the_same_room(self):
        with self.room('/ws/a') as first, self.room('/a') as second:
            first.next()
            self.assertTrue(second.next()['present'])

    def test_rooms_are_separate(self):
        with self.room('/ws/a') as first, self.room('/ws/b') as second:
            self.assertFalse(first.next()['present'])
            self.assertFalse(second.next()['present'])

    def test_a_third_member_is_refused_and_may_come_when_one_left(self):
        with self.room() as first:
            first.next()
            with self.room() as second, self.room() as third:
                second.next()
                self.assertEqual(third.closed(), (4001, 'the room is full: two are in it'))
            self.assertEqual(first.next()['hub'], 'joined')
            self.assertEqual(first.next()['hub'], 'left')
            with self.room() as fourth:
                self.assertTrue(fourth.next()['present'])

    def test_a_message_to_nobody_is_answered(self):
        with self.room() as only:
            only.next()
            only.send(CANDIDATE)
            self.assertEqual(only.next(), {'hub': 'error', 'reason': 'nobody else is in the room'})

    def test_binary_messages_are_refused(self):
        with self.room() as only:
            only.send(b'\0\1', BINARY)
            self.assertEqual(only.closed(), (1003, 'only text messages are taken'))

    def test_oversize_messages_are_refused_whole_and_in_fragments(self):
        reason = (1009, 'a message is longer than 256 KiB')
        with self.room() as only:
            only.send(b'x' * (256 * 1024 + 1))
            self.assertEqual(only.closed(), reason)
        with self.room() as only:
            only.send(b'x' * 200000, TEXT, final=False)
            only.send(b'x' * 200000, CONTINUATION)
            self.assertEqual(only.closed(), reason)

    def test_a_message_of_the_largest_size_passes(self):
        with self.room() as first, self.room() as second:
            first.next(), first.next(), second.next()
            text = json.dumps({**CANDIDATE, 'more': ''})
            text = text[:-2] + 'x' * (256 * 1024 - len(text)) + '"}'
            first.send(text)
            self.assertEqual(second.frame(), (TEXT, text.encode()))

    def test_fragments_are_put_together(self):
        with self.room() as first, self.room() as second:
            first.next(), first.next(), second.next()
            data = json.dumps(CANDIDATE).encode()
            first.send(data[:10], TEXT, final=False)
            first.send(b'alive?', PING)
            first.send(data[10:20], CONTINUATION, final=False)
            first.send(data[20:], CONTINUATION)
            self.assertEqual(second.frame(), (TEXT, data))
            self.assertEqual(first.frame(), (PONG, b'alive?'))

    def test_foreign_origins_and_hosts_are_refused(self):
        port = self.port
        for origin in 'http://evil.example', f'http://127.0.0.1:{port + 1}', f'https://127.0.0.1:{port}', 'null':
            with self.assertRaises(Refused) as refused:
                self.room(headers=[f'Origin: {origin}'])
            self.assertEqual(refused.exception.status, 403)
            self.assertIn('origin', refused.exception.body)
        with self.assertRaises(Refused) as refused:
            self.room(host='evil.example', headers=['Origin: http://evil.example'])
        self.assertEqual(refused.exception.status, 403)
        with self.room(headers=[f'Origin: http://127.0.0.1:{port}']) as page:
            self.assertEqual(page.next()['hub'], 'welcome')

    def test_names_that_are_no_rooms_are_refused(self):
        for path in '/ws/', '/', '/ws/a/b', '/ws/' + 'x' * 65, '/ws/%20', '/ws/a.b', '/ws/..':
            with self.assertRaises(Refused) as refused:
                self.room(path)
            self.assertEqual(refused.exception.status, 404, path)
            self.assertIn('/ws/NAME', refused.exception.body)
        with self.room('/ws/' + 'x' * 64) as longest:
            self.assertEqual(longest.next()['hub'], 'welcome')


class Seats(Served):
    """A member whose socket died goes on with another one."""

    def resume(self, welcome, taken=0, name='/ws/room', **options):
        socket = self.room(name, headers=in_seat(welcome, taken), **options)
        self.addCleanup(socket.socket.close)
        return socket, socket.next()

    def test_nothing_is_lost_when_a_socket_dies(self):
        first, second, ours, theirs = self.pair()
        for number in range(5):
            second.send(f'text {number}')
        self.assertEqual(first.frame(), (TEXT, b'text 0'))
        first.send('one')
        self.assertEqual(second.frame(), (TEXT, b'one'))
        first.socket.close()
        second.send('text 5')
        again, welcome = self.resume(ours, taken=2)  # joined and text 0
        self.assertEqual(ids(welcome), [theirs['peer']])
        self.assertEqual({**welcome, 'peers': []}, {**ours, 'received': 1, 'present': True})
        for number in range(1, 6):
            self.assertEqual(again.frame(), (TEXT, f'text {number}'.encode()))
        again.send('two')
        self.assertEqual(second.frame(), (TEXT, b'two'))  # which never heard of it

    def test_a_seat_can_be_taken_from_a_socket_that_seems_alive(self):
        first, second, ours, _ = self.pair()
        again, _ = self.resume(ours, taken=1)
        self.assertEqual(first.closed(), (4003, 'your seat was taken again'))
        again.send('still here')
        self.assertEqual(second.frame(), (TEXT, b'still here'))

    def test_seats_that_are_not_ours_are_not_given(self):
        first, second, ours, theirs = self.pair('/ws/other')
        for seat in 'x', '0' * 32, ours['peer'] + ours['peer'], ours['seat'][:-1], ours['seat'] + '0':
            for taken in 1, 0, -1, 2 ** 64, 'x', '':
                with self.room('/ws/other', headers=in_seat({'seat': seat}, taken)) as stranger:
                    self.assertEqual(stranger.closed()[0], 4001)
        with self.room('/ws/room', headers=in_seat(ours, 1)) as elsewhere:
            self.assertNotEqual(elsewhere.next()['peer'], ours['peer'])

    def test_who_read_more_than_was_said_begins_anew(self):
        first, second, ours, _ = self.pair()
        first.socket.close()
        _, welcome = self.resume(ours, taken=2)
        self.assertNotEqual(welcome['seat'], ours['seat'])
        self.assertEqual(second.next(), {'hub': 'left', 'peer': ours['peer']})
        self.assertEqual(told(second.next()), {'hub': 'joined', 'peer': welcome['peer'], 'polite': False})

    def test_who_lacks_what_is_forgotten_begins_anew(self):
        first, second, ours, _ = self.pair()
        for number in range(300):
            second.send(str(number))
            self.assertEqual(first.frame(), (TEXT, str(number).encode()))
        again, welcome = self.resume(ours, taken=301)
        self.assertEqual(welcome['seat'], ours['seat'])
        again, welcome = self.resume(ours, taken=45)  # 256 are kept
        self.assertEqual(welcome['seat'], ours['seat'])
        self.assertEqual(again.frame(), (TEXT, b'44'))
        again.socket.close()
        _, welcome = self.resume(ours, taken=44)
        self.assertNotEqual(welcome['seat'], ours['seat'])

    def test_who_is_gone_leaves_after_30_seconds(self):
        first, second, ours, _ = self.pair()
        first.socket.close()
        began = time.monotonic()
        second.socket.settimeout(100)
        self.assertEqual(second.next(), {'hub': 'left', 'peer': ours['peer']})
        self.assertGreater(time.monotonic() - began, 29)

    def test_an_epoch_tells_who_comes_again(self):
        epoch = '0123456789abcdef' * 2
        told = hashlib.sha256(epoch.encode()).hexdigest()[:32]  # who hears it cannot say it
        with self.room() as first:
            first.next()
            for said, is_taken in ((epoch, True), (told, False), (epoch[1:], False), (epoch + '0', False),
                                   ('X' * 32, False), ('', False)):
                with self.room(headers=[f'Sec-WebSocket-Protocol: kith, epoch.{said}']) as second:
                    second.next()
                    joined = first.next()
                    self.assertEqual(joined['epoch'] == told, is_taken)
                    self.assertEqual(len(joined['epoch']), 32)
                    with self.room() as third:
                        third.closed()
                self.assertEqual(first.next()['hub'], 'left')

    def test_who_is_gone_makes_room(self):
        first, second, ours, _ = self.pair()
        first.socket.close()
        while True:  # until the hub knows
            third = self.room()
            self.addCleanup(third.socket.close)
            opcode, payload = third.frame()
            if opcode == TEXT:
                break
        self.assertEqual(second.next(), {'hub': 'left', 'peer': ours['peer']})
        self.assertEqual(second.next()['hub'], 'joined')


class Unread(Served):
    """What a member has not read has a limit, and its sender is told."""
    TOLD = {'hub': 'error', 'reason': 'the other member does not read what is sent to it'}

    def test_texts_have_a_limit(self):
        first, second, *_ = self.pair()
        first.socket.close()
        self.refused(second, b'x', 256)

    def test_bytes_have_a_limit(self):
        first, second, *_ = self.pair()
        first.socket.close()
        self.refused(second, b'x' * 256 * 1024, 4)

    def refused(self, sender, text, limit):
        """Before the hub knows that the socket died some texts may be under way to it."""
        sent = 0
        while not select.select([sender.socket], [], [], 0)[0]:
            sender.send(text)
            sent += 1
        self.assertEqual(sender.next(), self.TOLD)
        self.assertGreaterEqual(sent, limit)


class Many(Served):
    """Rooms of many: a text says whom it is for."""

    def many(self, count, name='/ws/crowd?many'):
        members, welcomes = [], []
        for _ in range(count):
            members.append(self.room(name))
            self.addCleanup(members[-1].socket.close)
            welcomes.append(members[-1].next())
        for index, member in enumerate(members):
            for other in welcomes[index + 1:]:
                self.assertEqual(told(member.next()), {'hub': 'joined', 'peer': other['peer'],
                                                       'polite': welcomes[index]['peer'] > other['peer']})
        return members, [welcome['peer'] for welcome in welcomes], welcomes

    def test_texts_go_to_whom_they_are_for(self):
        members, peers, welcomes = self.many(4)
        self.assertEqual(words(welcomes[3]), {'hub': 'welcome', 'room': 'crowd', 'received': 0})
        self.assertEqual(ids(welcomes[3]), peers[:3])
        for message in 'any text \u0000 "x"', {'type': 'offer', 'sdp': 'v=0'}, None, 5, [1, {'a': 'b'}]:
            for sender in range(4):
                for receiver in range(4):
                    if sender != receiver:
                        members[sender].send({'to': peers[receiver], 'message': message})
                        self.assertEqual(members[receiver].next(), {'from': peers[sender], 'message': message})
        members[2].leave()
        for index in 0, 1, 3:
            self.assertEqual(members[index].next(), {'hub': 'left', 'peer': peers[2]})

    def test_a_text_to_nobody_is_answered(self):
        members, peers, _ = self.many(2)
        for nobody in 'x', '', peers[0]:  # not to oneself either
            members[0].send({'to': nobody, 'message': 1})
            self.assertEqual(members[0].next(), {'hub': 'error', 'reason': 'no such member is in the room', 'to': nobody})

    def test_texts_without_an_address_close(self):
        for bad in 'no JSON', '[]', '{}', '{"to":"x"}', '{"message":1}', '{"to":1,"message":1}', '':
            with self.room('/ws/crowd?many') as only:
                only.next()
                only.send(bad)
                code, reason = only.closed()
                self.assertEqual(code, 1008, bad)
                self.assertIn('"to"', reason)

    def test_members_have_a_limit(self):
        sockets = [self.room('/ws/crowd?many') for _ in range(64)]
        for socket in sockets:
            self.addCleanup(socket.socket.close)
            socket.next()
        with self.room('/ws/crowd?many') as one_more:
            self.assertEqual(one_more.closed(), (4001, 'the room is full: 64 are in it'))

    def test_a_room_is_of_two_or_of_many(self):
        with self.room('/ws/a?many') as first, self.room('/ws/a') as second:
            first.next()
            self.assertEqual(second.closed(), (4001, 'the room is one of many: add ?many'))
        with self.room('/ws/b') as first, self.room('/ws/b?many') as second:
            first.next()
            self.assertEqual(second.closed(), (4001, 'the room is one of two: leave ?many out'))

    def test_a_seat_is_taken_again(self):
        members, peers, welcomes = self.many(3)
        members[0].socket.close()
        members[1].send({'to': peers[0], 'message': 'kept'})
        again = self.room('/ws/crowd?many', headers=in_seat(welcomes[0], 2))
        self.addCleanup(again.socket.close)
        welcome = again.next()
        self.assertEqual(ids(welcome), peers[1:])
        self.assertEqual(words(welcome), words(welcomes[0]))
        self.assertEqual(again.next(), {'from': peers[1], 'message': 'kept'})


class Limits(Served):
    def test_rooms_have_a_limit(self):
        sockets = []
        try:
            for number in range(1024):
                sockets.append(self.room(f'/ws/{number}'))
                sockets[-1].next()
            with self.room('/ws/one-more') as one_more:
                self.assertEqual(one_more.closed(), (4002, 'there are too many rooms'))
            with self.room('/ws/5') as member:
                self.assertTrue(member.next()['present'])
        finally:
            for socket in sockets:
                socket.socket.close()


class TurnElsewhere(unittest.TestCase):
    """--turn-url: credentials under the secret of a server that is not ours."""

    def serve(self, *options):
        process = subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0', *options], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def stop():
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT)
        self.addCleanup(stop)
        return int(re.search(r':(\d+)/', process.stdout.readline())[1])

    def test_a_member_gets_a_credential_of_its_own(self):
        urls = ['turn:turn.example?transport=udp', 'turns:turn.example']
        with tempfile.NamedTemporaryFile('w') as file:
            file.write('north\nno secret\n')
            file.flush()
            port = self.serve('--turn-url', urls[0], '--turn-url', urls[1], '--turn-secret-file', file.name)
            names = set()
            for path in '/ws/a', '/ws/a', '/ws/b?many', '/peer':
                with WebSocket(port, path) as member:
                    server, = member.next()['iceServers']
                    self.assertEqual(server['urls'], urls)
                    expiry, _, name = server['username'].partition(':')
                    self.assertAlmostEqual(int(expiry), time.time() + 24 * 3600, delta=600)
                    digest = hmac.new(b'north', server['username'].encode(), 'sha1').digest()
                    self.assertEqual(server['credential'], base64.b64encode(digest).decode())
                    names.add(name)
            self.assertEqual(len(names), 4)

    def test_options_that_make_no_sense_are_explained(self):
        for options, words in ((['--turn-url', 'stun:x'], 'turn:HOST'), (['--turn-url', 'turn:u:p@x'], 'turn:HOST'),
                               (['--turn-url', 'turn:x'], 'belong together'),
                               (['--turn-secret-file', '/dev/null'], 'belong together'),
                               (['--turn', '--turn-url', 'turn:x', '--turn-secret-file', 'x'], 'exclude')):
            status, _, errors = run('serve', *options)
            self.assertEqual(status, 2)
            self.assertIn(words, errors)
        for path in '/dev/null', '/nothing/there':
            status, _, errors = run('serve', '--turn-url', 'turn:x', '--turn-secret-file', path)
            self.assertEqual(status, 1)
            self.assertIn(path, errors)


class Programs(Served):
    def meet(self, first_role, second_role):
        signal_url = f'ws://127.0.0.1:{self.port}/meeting'
        first = Peer(first_role, '--echo', '--signal', signal_url)
        self.addCleanup(first.stop)
        self.assertEqual(first.next(), {'room': 'meeting', 'present': False})
        second = Peer(second_role, '--signal', signal_url)
        try:
            self.assertEqual(second.next(), {'room': 'meeting', 'present': True})
            second.until(channel='kith', open=True)
            second.give({'text': 'over the hub'})
            self.assertEqual(second.until(text='over the hub'), {'text': 'over the hub'})
            second.end_input()
            self.assertEqual(second.wait(), 0, second.errors)
            self.assertEqual(first.wait(), 0, first.errors)
        finally:
            second.stop()

    def test_who_gets_no_connection_gives_up(self):
        with self.room('/ws/silent') as silent:
            silent.next()
            peer = Peer('offer', '--signal', f'ws://127.0.0.1:{self.port}/ws/silent')
            self.addCleanup(peer.stop)
            peer.until_said('connecting to ')
            self.assertEqual(peer.process.wait(timeout=120), 3)
            peer.until_said('no connection within 30 s')

    def test_two_programs_meet_whoever_comes_first(self):
        self.meet('offer', 'answer')
        self.meet('answer', 'offer')

    def test_crossing_offers_are_settled(self):
        self.meet('offer', 'offer')


def carry_answers(socket, peer):
    try:
        while True:
            message = socket.next()
            if 'kith' not in message:
                peer.give(message)
    except (EOFError, OSError, ValueError, AssertionError):
        return  # one of them has gone


def connect_page(test, port, label, *options):
    """The page's side, played by `kith peer`, its signalling carried to /peer."""
    socket = WebSocket(port, '/peer')
    peer = Peer('offer', '--no-trickle', '--label', label, *options)
    peer.other = socket
    socket.give = socket.send
    test.addCleanup(socket.socket.close)
    test.addCleanup(peer.stop)
    threading.Thread(target=carry_answers, args=(socket, peer), daemon=True).start()
    peer.until(channel=label, open=True)
    return peer


class BuiltIn(Served):

    def connect(self, label, *options):
        return connect_page(self, self.port, label, *options)

    def test_the_chat_greets_and_answers(self):
        peer = self.connect('chat')
        self.assertIn('Hello from a C program', peer.next()['text'])
        peer.give({'text': 'who'})
        self.assertIn('1 page', peer.next()['text'])
        peer.give({'text': 'path'})
        self.assertIn('candidate', peer.next()['text'])
        peer.give({'text': 'good day'})
        self.assertEqual(peer.next(), {'text': 'You said: good day'})

    def test_any_other_channel_is_an_echo(self):
        peer = self.connect('whatever')
        for message in {'text': 'a'}, {'binary': 'AAEC'}, {'text': ''}:
            peer.give(message)
            self.assertEqual(peer.next(), message)

    def test_a_file_can_be_asked_for(self):
        with tempfile.TemporaryDirectory() as directory:
            peer = self.connect('file', '--receive-dir', directory)
            for size in 1000000, 0:
                peer.give({'text': json.dumps({'get': size})})
                line = peer.until(received='from-kith.bin')
                self.assertTrue(line['ok'])
                self.assertEqual(os.path.getsize(line['path']), size)
            peer.give({'text': json.dumps({'get': -1})})
            self.assertIn('error', json.loads(peer.next()['text']))

    def test_throughput_counts_both_ways(self):
        peer = self.connect('speed')
        peer.give({'text': json.dumps({'upload': 'begin'})})
        peer.give({'binary': 'AAECAw=='})
        peer.give({'text': json.dumps({'upload': 'end'})})
        self.assertEqual(json.loads(peer.next()['text'])['uploaded'], 4)
        peer.give({'text': json.dumps({'download': 20})})
        received = 0
        while 'binary' in (message := peer.next()):
            received += len(message['binary']) // 4 * 3 - message['binary'].count('=')
        self.assertEqual(json.loads(message['text'])['sent'], received)

    def test_signals_out_of_order_close_with_a_reason(self):
        with WebSocket(self.port, '/peer') as socket:
            socket.send({'type': 'answer', 'sdp': 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'})
            code, reason = socket.closed()
            self.assertEqual(code, 1008)
            self.assertTrue(reason)

    def test_candidates_that_come_before_their_description_are_kept(self):
        peer = Peer('offer')
        self.addCleanup(peer.stop)
        with WebSocket(self.port, '/peer') as socket:
            peer.other = Reordered(socket.send)
            threading.Thread(target=carry_answers, args=(socket, peer), daemon=True).start()
            peer.until(channel='kith', open=True)

    def test_candidates_without_a_description_have_a_limit(self):
        with WebSocket(self.port, '/peer') as socket:
            for _ in range(1000):
                socket.send(CANDIDATE)
            self.assertEqual(socket.closed()[0], 1008)

    def test_pages_have_a_limit(self):
        sockets = [WebSocket(self.port, '/peer') for _ in range(64)]
        try:
            with WebSocket(self.port, '/peer') as one_more:
                self.assertEqual(one_more.closed(), (4002, 'there are too many pages'))
        finally:
            for socket in sockets:
                socket.socket.close()


class Call(Served):
    """Media with the built-in peer; the other side is `kith peer`."""

    def test_a_picture_comes_back_frame_by_frame(self):
        with tempfile.TemporaryDirectory() as directory:
            peer = connect_page(self, self.port, 'chat', '--media', VP8, '--record', directory)
            # It may have begun before the channel was open.
            begun = next((line for line in peer.seen if 'recording' in line), None) or peer.until(kind='video')
            path = Path(begun['recording'])
            await_size(path, 20000)
            peer.end_input()
            self.assertEqual(peer.wait(), 0, peer.errors)
            sent, back = [data for _, data in ivf_frames(VP8)], [data for _, data in ivf_frames(path)]
            self.assertGreater(len(back), 10)
            # One after the other, whole; where a key frame is asked for, kith peer goes on from its next one.
            for before, after in zip([None, *back], back):
                is_key = after[0] & 1 == 0  # RFC 6386 section 9.1
                self.assertTrue(is_key or sent.index(after) == sent.index(before) + 1)


class Film(unittest.TestCase):
    def test_files_are_offered_to_a_page_that_asks(self):
        process = subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0', '--media', VP8], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            port = int(re.search(r':(\d+)/', process.stdout.readline())[1])
            with WebSocket(port, '/peer') as socket:
                self.assertEqual(socket.next(), {'kith': 'welcome', 'files': 1})
                socket.send({'kith': 'play'})
                while (message := socket.next()).get('type') != 'offer':
                    self.assertNotIn('sdp', message)
                self.assertIn('m=video', message['sdp'])
                socket.send({'kith': 'stop'})
                socket.send({'kith': 'nothing that is known'})
                socket.send({'type': 'answer', 'sdp': 'v=0'})
                self.assertEqual(socket.closed()[0], 1008)
        finally:
            process.send_signal(signal.SIGTERM)
            self.assertEqual((process.wait(LIMIT), process.communicate()[1]), (0, ''))

    def test_a_file_that_cannot_be_played_is_told_at_once(self):
        status, _, errors = run('serve', '--listen', '127.0.0.1:0', '--media', 'missing.ivf')
        self.assertEqual(status, 1)
        self.assertIn('missing.ivf: No such file', errors)
        self.assertEqual(run('serve', *['--media', VP8] * 9)[0], 2)


class Leaving(Served):
    """The server ends: it closes its peer connections as they are, with an ABORT and a close_notify (RFC 8831
    section 6.6, RFC 8842 section 5.5). One of them is enough to tell that it is gone, and that is no failure."""

    def leave(self, lost):
        wire = Wire()
        wire.start()
        peer = Peer('offer')
        self.addCleanup(peer.stop)
        socket = WebSocket(self.port, '/peer')
        self.addCleanup(socket.socket.close)
        peer.other = wire.tell(0, socket.send)
        threading.Thread(target=carry_answers, args=(socket, wire.tell(1, peer.give)), daemon=True).start()
        peer.until(channel='kith', open=True)
        wire.loses = lambda content_type: content_type == lost
        self.process.terminate()
        self.assertEqual(peer.wait(), 0, peer.errors)
        self.assertEqual(peer.errors, [])
        self.assertEqual(peer.seen[-2:], [{'channel': 'kith', 'open': False}, {'state': 'closed'}])

    def test_a_peer_ends_well_when_the_other_leaves(self):
        self.leave(lost=None)

    def test_it_does_by_the_abort_alone(self):
        self.leave(lost=ALERT)

    def test_it_does_by_the_close_notify_alone(self):
        self.leave(lost=APPLICATION_DATA)


class Terminal(unittest.TestCase):
    def test_what_is_typed_goes_to_every_chat(self):
        master, slave = pty.openpty()
        with subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0'], stdin=slave, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            os.close(slave)
            port = int(re.search(r':(\d+)/', process.stdout.readline())[1])
            self.assertIn('type', process.stdout.readline())
            pages = [connect_page(self, port, 'chat') for _ in range(2)]
            for page in pages:
                self.assertIn('Hello', page.next()['text'])
            os.write(master, b'from the terminal\n')
            for page in pages:
                self.assertEqual(page.next(), {'text': 'from the terminal'})
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=LIMIT), 0)
            self.assertEqual(process.stderr.read(), '')
        os.close(master)


class Start(Served):
    def test_a_port_alone_and_localhost_are_where_to_listen(self):
        with socket.socket() as one:  # a port that is free now
            one.bind(('127.0.0.1', 0))
            port = one.getsockname()[1]
        for args in (['--port', port], ['--listen', port], ['--listen', f':{port}'], ['--listen', f'localhost:{port}'],
                     ['--listen', '127.0.0.1:1', '--port', port]):
            with subprocess.Popen([KITH, 'serve', *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), f'kith serve: open http://127.0.0.1:{port}/\n')
                process.terminate()
                self.assertEqual(process.wait(timeout=LIMIT), 0)

    def test_a_port_in_use_is_explained(self):
        status, _, errors = run('serve', '--listen', f'127.0.0.1:{self.port}')
        self.assertEqual(status, 1)
        self.assertIn('in use', errors)

    def test_a_server_that_cannot_be_used_is_explained_at_once(self):
        for url in 'http://stun.example', 'turn:turn.example':
            status, _, errors = run('serve', '--listen', '127.0.0.1:0', '--ice-server', url)
            self.assertEqual(status, 2)
            self.assertIn(url, errors)

    def test_bad_options_are_explained(self):
        for args, words in ((['--listen', 'here'], 'ADDRESS:PORT'), (['--listen', '127.0.0.1'], 'ADDRESS:PORT'),
                            (['--listen', '::1'], 'ADDRESS:PORT'), (['--listen', '65536'], 'ADDRESS:PORT'),
                            (['--listen', ':'], 'ADDRESS:PORT'), (['--listen', ''], 'ADDRESS:PORT'),
                            (['--listen', 'localhost:'], 'ADDRESS:PORT'), (['--port', '65536'], '--port'),
                            (['--port', 'x'], '--port'), (['extra'], 'extra'), (['--what'], '--what')):
            status, _, errors = run('serve', *args)
            self.assertEqual(status, 2, args)
            self.assertIn(words, errors)


if __name__ == '__main__':
    unittest.main(verbosity=2)
