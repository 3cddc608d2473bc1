"""`kith turn`: what it prints, whom it serves, whom it lets them reach, its limits and its end; and `kith serve --turn`."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from kit import KITH, LIMIT, Pair, Peer, Process, run, together
from test_network import NETNS, UNSHARE, may_unshare
from test_serve import connect_page
from turn_client import BINDING, CHANGE_REQUEST, COOKIE, OTHER_ADDRESS, XOR_MAPPED_ADDRESS, TurnClient, attribute, \
    read_address, read_plain_address
from websocket import WebSocket

USER = 'kith', 'a-password'


class Server:
    """`kith turn`; use as a context."""

    def __init__(self, *options, listen=('--listen', '127.0.0.1:0'), users=('--user', ':'.join(USER)), wrapper=()):
        self.process = subprocess.Popen([*wrapper, KITH, 'turn', *listen, *users, *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r'kith turn: iceServers: (\[.*\])\n', line)
        if not found:
            raise AssertionError((line, self.process.communicate()))
        [self.ice_server] = json.loads(found[1])
        self.port = int(self.ice_server['urls'][0].rsplit(':', 1)[1])
        self.address = ('127.0.0.1', self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        _, errors = self.process.communicate(timeout=LIMIT)
        assert (self.process.returncode, errors) == (0, ''), errors

    def client(self, username=USER[0], password=USER[1], **options):
        return TurnClient(self.address, username, password, **options)

    def url(self, username=USER[0], password=USER[1]):
        return f'turn:{username}:{password}@127.0.0.1:{self.port}'

    def counter(self, name):
        """Read from what SIGUSR1 prints, to its last line."""
        self.process.send_signal(signal.SIGUSR1)
        found = None
        for line in self.process.stdout:
            words = line.split()
            if words[0] == f'kith_turn_{name}':
                found = int(words[1])
            if words[0].startswith('kith_turn_dropped'):
                return found
        raise AssertionError('it has ended')

    def until_counter(self, name):
        """Waits until it is more than 0."""
        end = time.monotonic() + LIMIT
        while self.counter(name) == 0:
            if time.monotonic() > end:
                raise AssertionError(f'{name} is 0')


def free_ports():
    """A port that is free beside the next one, on both addresses of a server of discovery.
    The system gives none of these to a socket that asks for any."""
    for port in range(20000, 32000, 2):
        with contextlib.ExitStack() as stack:
            try:
                for address in [(f'127.0.0.{ip}', p) for ip in (1, 2) for p in (port, port + 1)]:
                    stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(address)
            except OSError:
                continue
            return port
    raise AssertionError('no port is free')


class DiscoveryServer(Server):
    def __init__(self, *options, **arguments):
        port = free_ports()
        listen = '--discovery', '--listen', f'127.0.0.1:{port}', '--listen', f'127.0.0.2:{port}'
        super().__init__(*options, listen=listen, **arguments)


class OnLoopback:
    """Carries the candidates on 127.0.0.1 alone."""

    def __init__(self, peer):
        self.peer = peer

    def give(self, obj):
        words = obj.get('candidate', '').split()
        if not words or words[4] == '127.0.0.1':
            self.peer.give(obj)


def time_limited(secret, expires, name):
    username = f'{expires}:{name}'
    mac = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(mac).decode()


class Printed(unittest.TestCase):
    def test_a_user_is_made_where_none_is_given_and_serves(self):
        with Server(users=()) as first, Server(users=()) as second:
            self.assertEqual(first.ice_server['urls'][0], f'turn:127.0.0.1:{first.port}')
            self.assertRegex(first.ice_server['credential'], '^[0-9a-f]{32}$')
            self.assertNotEqual(first.ice_server['credential'], second.ice_server['credential'])
            with first.client(first.ice_server['username'], first.ice_server['credential']) as client:
                self.assertEqual(client.allocate()[0], 0)

    def test_passwords_that_were_given_are_not_repeated(self):
        with Server() as server:
            self.assertEqual((server.ice_server['username'], server.ice_server['credential']), ('kith', 'PASSWORD'))
        with Server(users=('--secret', 'the-secret')) as server:
            self.assertNotIn('the-secret', json.dumps(server.ice_server))

    def test_urls_are_what_the_world_sees(self):
        with Server('--listen', '[::1]:0', '--external', '203.0.113.5') as server:
            ipv4, ipv4_by_tcp, ipv6, _ = server.ice_server['urls']
            self.assertEqual(ipv4_by_tcp, f'{ipv4}?transport=tcp')
            self.assertEqual(ipv4, f'turn:203.0.113.5:{server.port}')
            self.assertRegex(ipv6, r'^turn:\[::1\]:\d+$')
            with server.client() as client:
                self.assertEqual(client.allocate()[1][0], '203.0.113.5')

    @unittest.skipUnless(may_unshare(), 'no network namespaces here')
    def test_every_address_of_the_machine_unless_some_are_said(self):
        for listen, port in ((), 3478), (('--port', '50001'), 50001):
            with Server(listen=listen, wrapper=(NETNS,)) as server:
                self.assertEqual(sorted(server.ice_server['urls'])[::2],
                                 [f'turn:192.0.2.1:{port}', f'turn:[2001:db8::1]:{port}'])
        done = subprocess.run([*UNSHARE, KITH, 'turn'], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 1)
        self.assertIn('this machine has no network address', done.stderr)

    @unittest.skipUnless(may_unshare(), 'no network namespaces here')
    def test_a_port_that_the_system_chooses_is_free_for_tcp_too(self):
        """Of the two ports of this network TCP has one already."""
        setup = ('ip link set lo up; echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range; '
                 'exec python3 -c "import os, socket, sys; s = socket.create_server((\'127.0.0.1\', 40000)); '
                 's.set_inheritable(True); os.execv(sys.argv[1], sys.argv[1:])" "$@"')
        for _ in range(8):
            with Server(wrapper=(*UNSHARE, 'sh', '-c', setup, 'sh')) as server:
                self.assertEqual(server.port, 40001)

    def test_discovery_tells_of_the_first_ports_and_answers_from_the_others(self):
        with DiscoveryServer('--stun-only', users=()) as server, server.client() as client:
            port = server.port
            self.assertEqual(server.ice_server, {'urls': [f'stun:127.0.0.{ip}:{port}' for ip in (1, 2)]})
            _, found = client.ask(BINDING)
            self.assertEqual(read_plain_address(found[OTHER_ADDRESS]), ('127.0.0.2', port + 1))
        with DiscoveryServer('--stun-only', users=()) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(('127.0.0.1', 0))
            client.settimeout(LIMIT)
            for change, ip, port in (0, 1, 0), (2, 1, 1), (4, 2, 0), (6, 2, 1):
                head = struct.pack('!HHI', BINDING, 8, COOKIE) + os.urandom(12)
                client.sendto(head + attribute(CHANGE_REQUEST, struct.pack('!I', change)), server.address)
                answer, source = client.recvfrom(2048)
                self.assertEqual((answer[8:20], source), (head[8:20], (f'127.0.0.{ip}', server.port + port)))

    def test_stun_alone(self):
        with Server('--stun-only', users=()) as server, server.client() as client:
            self.assertEqual(server.ice_server, {'urls': [f'stun:127.0.0.1:{server.port}']})
            code, found = client.ask(BINDING)
            self.assertEqual((code, read_address(found[XOR_MAPPED_ADDRESS])), (0, client.socket.getsockname()))
            self.assertNotEqual(client.allocate()[0], 0)


class Users(unittest.TestCase):
    def code(self, server, *credentials):
        with server.client(*credentials) as client:
            return client.allocate()[0]

    def test_several_users_of_arguments_and_a_file(self):
        with tempfile.NamedTemporaryFile('w') as file:
            file.write('# who may\n\nbob:builder\r\ncarol:with:colons\n')
            file.flush()
            with Server('--users', file.name) as server:
                for user in USER, ('bob', 'builder'), ('carol:with', 'colons'):
                    self.assertEqual(self.code(server, *user), 0, user)
                for user in ('bob', 'wrong'), ('# who', 'may'), ('nobody', ''):
                    self.assertEqual(self.code(server, *user), 401, user)
                self.assertEqual(server.counter('wrong_credentials_total'), 3)

    def test_time_limited_credentials_of_the_secret_and_of_the_old_one(self):
        soon, gone = int(time.time()) + 3600, int(time.time()) - 2
        with tempfile.NamedTemporaryFile('w') as file:
            file.write('new\n')
            file.flush()
            with Server('--old-secret', 'old', users=('--secret-file', file.name)) as server:
                self.assertEqual(self.code(server, *time_limited('new', soon, 'alice')), 0)
                self.assertEqual(self.code(server, *time_limited('old', soon, 'alice')), 0)
                self.assertEqual(self.code(server, *time_limited('other', soon, 'alice')), 401)
                self.assertEqual(self.code(server, *time_limited('new', gone, 'alice')), 401)

    def test_the_realm(self):
        with Server('--realm', 'example.org') as server, server.client() as client:
            self.assertEqual(client.allocate()[0], 0)
            self.assertEqual(client.realm, b'example.org')


class Peers(unittest.TestCase):
    """Whom clients reach; 203.0.113.0/24 is no private network."""

    def test_this_host_and_private_networks_are_denied_unless_they_are_allowed(self):
        denied = '127.0.0.1', '127.0.0.2', '10.1.2.3', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'
        with Server() as server, server.client() as client:
            self.assertEqual(client.allocate()[0], 0)
            self.assertEqual([client.permit(ip) for ip in denied], [403] * len(denied))
            self.assertEqual(client.permit('203.0.113.9'), 0)
            self.assertEqual(server.counter('denied_peers_total'), len(denied))
        with Server('--allow-peer', '10.1.2.0/24', '--allow-peer', '127.0.0.2', '--deny-peer', '203.0.113.0/24',
                    '--deny-peer', '10.1.2.77') as server, server.client() as client:
            self.assertEqual(client.allocate()[0], 0)
            for ip, code in ('10.1.2.3', 0), ('10.1.2.77', 403), ('10.1.3.3', 403), ('127.0.0.2', 0), ('127.0.0.1', 403), \
                    ('203.0.113.9', 403), ('198.51.100.1', 0):
                self.assertEqual(client.permit(ip), code, ip)

    @unittest.skipUnless(may_unshare(), 'no network namespaces here')
    def test_other_addresses_of_this_host_are_denied_unless_they_are_named(self):
        asks = 'from test_turn import Server\n' \
            'for allowed in [], ["192.0.2.0/24"], ["192.0.2.1"]:\n' \
            '    with Server(*(f"--allow-peer={one}" for one in allowed)) as server, server.client() as client:\n' \
            '        client.allocate()\n' \
            '        print(client.permit("192.0.2.1"), client.permit("192.0.2.9"))\n'
        done = subprocess.run([NETNS, sys.executable, '-c', asks], capture_output=True, text=True, timeout=LIMIT,
                              cwd=os.path.dirname(os.path.abspath(__file__)))
        self.assertEqual((done.stdout, done.stderr), ('403 0\n403 0\n0 0\n', ''))

    def talk(self, pair):
        offerer, answerer = pair.connect()
        offerer.give({'text': 'through the relay'})
        self.assertEqual(offerer.until(text='through the relay')['text'], 'through the relay')
        for peer in offerer, answerer:
            for obj in peer.signals:
                self.assertTrue(all(' typ relay' in line for line in obj.get('candidate', '').splitlines() if line), obj)

    def test_two_peers_meet_through_their_relayed_addresses_alone(self):
        with Server() as server:
            with Pair(both=('--relay', '--ice-server', server.url()), answer=('--echo',)) as pair:
                self.talk(pair)
            self.assertGreater(server.counter('to_clients_packets_total'), 0)

    def test_a_user_of_a_secret_is_served(self):
        credentials = time_limited('secret', int(time.time()) + 3600, 'alice')
        with Server(users=('--secret', 'secret')) as server:
            with Pair(both=('--relay', '--ice-server', server.url(*credentials)), answer=('--echo',)) as pair:
                self.talk(pair)

    def test_a_peer_on_this_host_is_reached_only_if_it_is_allowed(self):
        # What the offerer is told of the answerer is 127.0.0.1 alone.
        with Server('--allow-peer', '127.0.0.1') as server:
            with Pair(offer=('--relay', '--ice-server', server.url())) as pair:
                pair.answerer.other = OnLoopback(pair.offerer)
                pair.connect()
            self.assertEqual(server.counter('denied_peers_total'), 0)
        with Server() as server, Pair(offer=('--relay', '--ice-server', server.url())) as pair:
            pair.answerer.other = OnLoopback(pair.offerer)
            together(*(lambda peer=peer: peer.until_signal(candidate='') for peer in (pair.offerer, pair.answerer)))
            server.until_counter('denied_peers_total')

    def test_a_wrong_password_is_told_of(self):
        with Server() as server:
            peer = Peer('offer', '--relay', '--ice-server', server.url('kith', 'wrong'))
            self.addCleanup(peer.stop)
            peer.until_said('401')

    def test_a_server_that_gives_no_candidate_is_what_is_told_of(self):
        with Server() as server:
            peer = Process('peer', 'offer', '--loopback', '--relay', '--ice-server', server.url('kith', 'wrong'))
            self.addCleanup(peer.stop)
            peer.until(candidate='')
            peer.end_input()
            self.assertEqual(peer.wait(), 3)
            errors = ''.join(peer.errors)
            self.assertIn('no TURN server gave a candidate, and --relay takes no other', errors)
            self.assertNotIn('no network', errors)


class Limits(unittest.TestCase):
    def codes(self, server, *clients):
        """Those of an Allocate of each, the earlier ones kept."""
        kept = [TurnClient(server.address, name, 'p', bind=ip) for name, ip in clients]
        try:
            return [client.allocate()[0] for client in kept]
        finally:
            for client in kept:
                client.socket.close()

    def test_allocations_in_all_of_a_user_and_of_an_address(self):
        users = '--user', 'a:p', '--user', 'b:p'
        here, there = '127.0.0.1', '127.0.0.2'
        with Server('--max-allocations', '2', users=users) as server:
            self.assertEqual(self.codes(server, ('a', here), ('b', there), ('a', there)), [0, 0, 486])
        with Server('--max-per-user', '1', users=users) as server:
            self.assertEqual(self.codes(server, ('a', here), ('a', there), ('b', here)), [0, 486, 0])
        with Server('--max-per-address', '1', users=users) as server:
            self.assertEqual(self.codes(server, ('a', here), ('b', here), ('b', there)), [0, 486, 0])
            self.assertEqual(server.counter('quota_reached_total'), 1)

    def test_lifetimes(self):
        with Server('--max-lifetime', '1200') as server, server.client() as client:
            self.assertEqual(client.allocate(lifetime=3000)[2], 1200)

    def test_relayed_ports_lie_in_the_range(self):
        with Server('--port-range', '43210-43212') as server, server.client() as client:
            self.assertIn(client.allocate()[1][1], range(43210, 43213))

    def test_a_rate_is_kept(self):
        with Server('--max-rate', '8000', '--allow-peer', '127.0.0.2') as server, server.client() as client:
            client.allocate()
            self.assertEqual(client.permit('127.0.0.2'), 0)
            for _ in range(20):
                client.send('127.0.0.2', 9, bytes(1000))
            client.ask(BINDING)  # the server has seen them when it answers
            passed, kept = server.counter('to_peers_packets_total'), server.counter('above_rate_total')
            self.assertEqual(passed + kept, 20)
            self.assertGreater(kept, 10)

    def test_its_sockets_are_as_many_as_the_system_lets_it_have(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(100, soft), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with Server() as server:
            with open(f'/proc/{server.process.pid}/limits', encoding='ascii') as file:
                limits = re.search(r'Max open files +(\d+) +(\d+)', file.read())
            self.assertEqual(limits[1], limits[2])


class Streams(unittest.TestCase):
    """Clients by TCP."""

    def peer(self):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(('127.0.0.1', 0))
        peer.settimeout(LIMIT)
        self.addCleanup(peer.close)
        return peer

    def test_a_client_by_tcp_relays_and_one_by_udp_meets_it(self):
        peer = self.peer()
        with Server('--allow-peer', '127.0.0.1') as server, server.client(kind=socket.SOCK_STREAM) as client, \
                server.client() as other:
            self.assertEqual(server.ice_server['urls'], [f'turn:127.0.0.1:{server.port}', f'turn:127.0.0.1:{server.port}?transport=tcp'])
            code, relayed, _ = client.allocate()
            self.assertEqual(code, 0)
            self.assertEqual(client.bind(0x4000, *peer.getsockname()), 0)
            for length in 1, 2, 3, 4, 1200, 60000:
                data = os.urandom(length)
                client.send_on(0x4000, data)
                self.assertEqual(peer.recvfrom(65536), (data, relayed))
                peer.sendto(data, relayed)
                self.assertEqual(client.receive(), struct.pack('!HH', 0x4000, length) + data)
            code, there, _ = other.allocate()
            self.assertEqual(code, 0)
            self.assertEqual((other.permit(*relayed), client.permit(*there)), (0, 0))
            client.send(*there, b'hello')
            self.assertIn(b'hello', other.receive())
            other.send(*relayed, b'world')
            self.assertIn(b'world', client.receive())

    def test_its_allocation_ends_with_the_connection(self):
        with Server() as server:
            with server.client(kind=socket.SOCK_STREAM) as client:
                self.assertEqual(client.allocate()[0], 0)
                self.assertEqual(server.counter('streams'), 1)
            while server.counter('allocations') or server.counter('streams'):
                time.sleep(0.01)

    def test_what_is_not_stun_is_hung_up_on(self):
        with Server() as server, socket.create_connection(server.address, LIMIT) as stranger:
            stranger.sendall(b'POST / HTTP/1.1\r\n\r\n')
            self.assertEqual(stranger.recv(100), b'')

    def test_a_client_that_does_not_read_keeps_nobody_waiting(self):
        peer = self.peer()
        with Server('--allow-peer', '127.0.0.1') as server, server.client(kind=socket.SOCK_STREAM) as slow, server.client() as other:
            _, relayed, _ = slow.allocate()
            self.assertEqual(slow.bind(0x4000, *peer.getsockname()), 0)
            sent = 0
            while not server.counter('dropped_total'):
                for _ in range(1000):
                    peer.sendto(struct.pack('!I', sent) + bytes(1196), relayed)
                    sent += 1
                self.assertEqual(other.ask(BINDING)[0], 0)
            last, numbers = b'', []
            peer.sendto(b'last', relayed)
            while last != b'last':
                last = slow.receive()[4:]
                numbers.append(struct.unpack('!I', last[:4])[0])
            self.assertEqual(numbers[:-1], sorted(numbers[:-1]))
            self.assertLess(len(numbers), sent)

    def test_relayed_addresses_may_be_elsewhere(self):
        with Server('--relay', '127.0.0.7', '--allow-peer', '127.0.0.1') as server, server.client(kind=socket.SOCK_STREAM) as client:
            peer = self.peer()
            code, relayed, _ = client.allocate()
            self.assertEqual((code, relayed[0]), (0, '127.0.0.7'))
            self.assertEqual(client.bind(0x4000, *peer.getsockname()), 0)
            client.send_on(0x4000, b'hello')
            self.assertEqual(peer.recvfrom(100), (b'hello', relayed))
        with Server('--relay', '127.0.0.7', '--external', '203.0.113.5') as server, server.client() as client:
            self.assertEqual(client.allocate()[1][0], '203.0.113.5')
            self.assertEqual(server.ice_server['urls'][0], f'turn:127.0.0.1:{server.port}')

    def test_without_tcp_nobody_listens(self):
        with Server('--no-tcp') as server:
            self.assertEqual(len(server.ice_server['urls']), 1)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(server.address, LIMIT)


def make_certificate(folder):
    """Of 127.0.0.1, with its key, both as PEM."""
    certificate, key = os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=kith', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
                   check=True, capture_output=True, timeout=LIMIT)
    return certificate, key


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.files = make_certificate(folder.name)

    def server(self, *options):
        return Server('--cert', self.files[0], '--key', self.files[1], '--tls-port', '0', *options)

    def client(self, server, **options):
        port = int(re.search(r'turns:127.0.0.1:(\d+)', ' '.join(server.ice_server['urls']))[1])
        context = ssl.create_default_context(cafile=self.files[0])
        return TurnClient(('127.0.0.1', port), *USER, kind=socket.SOCK_STREAM, tls=context, **options)

    def test_a_client_by_tls_relays(self):
        with self.server('--allow-peer', '127.0.0.1') as server, self.client(server) as client, server.client() as other:
            code, relayed, _ = client.allocate()
            self.assertEqual(code, 0)
            _, there, _ = other.allocate()
            self.assertEqual((other.permit(*relayed), client.permit(*there)), (0, 0))
            for length in 1, 1200, 40000:
                data = os.urandom(length)
                client.send(*there, data)
                self.assertIn(data, other.receive())
                other.send(*relayed, data)
                self.assertIn(data, client.receive())

    def test_sighup_reads_the_certificate_again(self):
        with self.server() as server, self.client(server) as before:
            serial = before.socket.getpeercert()['serialNumber']
            make_certificate(self.folder)
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + LIMIT
            while True:
                try:
                    with self.client(server) as after:
                        if after.socket.getpeercert()['serialNumber'] != serial:
                            break
                except ssl.SSLCertVerificationError:
                    pass
                self.assertLess(time.monotonic(), end)
            self.assertEqual(before.allocate()[0], 0)

    def test_a_certificate_that_cannot_be_used_is_told_of(self):
        certificate, key = self.files
        for files, words in (
                ((certificate, '/nowhere'), '/nowhere cannot be read: No such file'),
                ((certificate, certificate), 'no unencrypted private key'),
                ((key, key), 'no certificate in PEM')):
            status, _, errors = run('turn', '--listen', '127.0.0.1:0', '--cert', files[0], '--key', files[1])
            self.assertEqual(status, 1)
            self.assertIn(words, errors)
        for options in (['--cert', certificate], ['--tls-port', '1']):
            status, _, errors = run('turn', *options)
            self.assertEqual(status, 2)
            self.assertIn('TLS needs both --cert and --key', errors)


class Metrics(unittest.TestCase):
    def test_counters_over_http(self):
        with Server('--metrics', '0') as server, server.client() as client:
            url = re.fullmatch(r'kith turn: metrics: (http://127\.0\.0\.1:\d+/metrics)\n', server.process.stdout.readline())[1]
            self.assertEqual(client.allocate()[0], 0)
            for _ in range(3):
                with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                    self.assertEqual(answer.headers['Content-Type'], 'text/plain; version=0.0.4; charset=utf-8')
                    text = answer.read().decode()
            self.assertRegex(text, r'(?m)^# TYPE kith_turn_allocations gauge\nkith_turn_allocations 1$')
            self.assertRegex(text, r'(?m)^# TYPE kith_turn_allocations_made_total counter\nkith_turn_allocations_made_total 1$')
            self.assertNotIn('{', text)  # no label: neither users nor addresses are told
            for path, data, status in ('/', None, 404), ('/metrics', b'x', 405):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(url.replace('/metrics', path), data, timeout=LIMIT)
                self.assertEqual(refused.exception.code, status)
                refused.exception.close()
            self.assertEqual(server.counter('allocations'), 1)

    def test_a_port_in_use_is_told_of(self):
        with Server() as server:
            status, _, errors = run('turn', '--listen', '127.0.0.1:0', '--metrics', str(server.port))
            self.assertEqual(status, 1)
            self.assertIn(f'cannot listen on 127.0.0.1:{server.port}', errors)


class End(unittest.TestCase):
    def test_a_signal_ends_it_with_its_sockets(self):
        for number in signal.SIGTERM, signal.SIGINT:
            with Server() as server, server.client() as client:
                self.assertEqual(client.allocate()[0], 0)
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(timeout=LIMIT), 0)
                with self.assertRaises(ConnectionRefusedError):  # the port is closed, and the system says so
                    client.allocate()

    def test_a_port_in_use_is_told_of(self):
        with Server() as server:
            status, _, errors = run('turn', '--listen', f'127.0.0.1:{server.port}')
            self.assertEqual(status, 1)
            self.assertIn(f'cannot bind UDP 127.0.0.1:{server.port}', errors)

    def test_wrong_usage_is_explained(self):
        here = '--listen', '127.0.0.1:0'
        for options, words in (
                (['--listen', '0.0.0.0:3478'], '--port PORT listens on every one'),
                (['--listen', '127.0.0.1'], 'ADDRESS:PORT'),
                (['--port', '1', *here], 'exclude each other'),
                (['--external', '203.0.113.5:1'], 'without port'),
                (['--external', '203.0.113.5', '--external', '203.0.113.6'], 'once for IPv4'),
                (['--user', 'name'], 'NAME:PASSWORD'),
                (['--users', '/nowhere'], 'No such file'),
                (['--users', __file__], f'line 2 of --users {__file__} wants NAME:PASSWORD'),
                (['--secret-file', os.devnull], 'has no secret in it'),
                (['--secret', 'a', '--secret', 'b'], 'a secret already'),
                (['--old-secret', 'a'], '--secret, too'),
                (['--stun-only', '--secret', 'a'], 'neither users nor a secret'),
                (['--discovery'], 'two addresses of a family'),
                (['--discovery', '--listen', '127.0.0.1:5000', '--listen', '127.0.0.1:5001'], 'two addresses of a family'),
                (['--discovery', *here, '--listen', '127.0.0.2:0'], 'two addresses of a family'),
                (['--deny-peer', '10.0.0.0/33'], '/32'),
                (['--allow-peer', 'everybody'], 'everybody'),
                (['--port-range', '6-5'], '50000-50999'),
                (['--max-rate', '0'], 'from 1'),
                (['--realm', ''], '1 to 127 bytes'),
                (['--realm', 'x' * 128], '1 to 127 bytes'),
                (['--user', 'x' * 509 + ':y'], '508 bytes'),
                (['now'], 'unexpected argument now')):
            with self.subTest(options=options):
                status, out, errors = run('turn', *options)
                self.assertEqual((status, out), (2, ''))
                self.assertIn(words, errors)
                self.assertTrue(errors.startswith('kith turn: ') and errors.count('\n') == 1, errors)
        status, _, errors = run('turn', '--listen', '203.0.113.5:0')
        self.assertEqual(status, 1)
        self.assertIn('does not have (--external ADDRESS', errors)
        for options, words in (
                (['--external', '::2'], 'does not listen on'),
                (['--listen', '127.0.0.2:0', '--external', '203.0.113.5'], 'any of 2 addresses')):
            status, _, errors = run('turn', *here, *options)
            self.assertEqual(status, 1)
            self.assertIn(words, errors)


class Serve(unittest.TestCase):
    """`kith serve --turn`: who connects is told of a server on the loop of the built-in peer."""

    def setUp(self):
        self.process = subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0', '--turn-port', '0'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(re.search(r':(\d+)/', self.process.stdout.readline())[1])

    def tearDown(self):
        self.process.terminate()
        _, errors = self.process.communicate(timeout=LIMIT)
        self.assertEqual((self.process.returncode, errors), (0, ''))

    def told(self, path='/peer', **options):
        with WebSocket(self.port, path, **options) as socket:
            [server] = socket.next()['iceServers']
            return server

    def test_where_it_is_depends_on_how_a_page_came(self):
        here = self.told()['urls']
        port = re.search(r':(\d+)\?', here[0])[1]
        self.assertIn(f'turn:127.0.0.1:{port}?transport=udp', here)
        self.assertEqual(self.told(host='localhost')['urls'], here)
        # A NAT in front of us has that address.
        for host, ip in ('203.0.113.5:8080', '203.0.113.5'), ('[2001:db8::7]', '[2001:db8::7]'):
            self.assertEqual(self.told(host=host)['urls'], [f'turn:{ip}:{port}?transport={way}' for way in ('udp', 'tcp')])

    def test_each_has_credentials_of_a_day_and_reaches_nothing_else_here(self):
        servers = [self.told(), self.told('/ws/room')]
        port = int(re.search(r':(\d+)\?', servers[0]['urls'][0])[1])
        for server, name in zip(servers, ('page-1', 'page-2')):
            expires, who = server['username'].split(':')
            self.assertEqual(who, name)
            self.assertLess(abs(int(expires) - time.time() - 24 * 3600), LIMIT)
            kind = socket.SOCK_DGRAM if name == 'page-1' else socket.SOCK_STREAM
            with TurnClient(('127.0.0.1', port), server['username'], server['credential'], kind=kind) as client:
                self.assertEqual(client.allocate()[0], 0)
                for there in (self.port, port, 22):
                    self.assertEqual(client.permit('127.0.0.1', there), 403)
                self.assertEqual(client.permit('192.168.1.1'), 403)
        with TurnClient(('127.0.0.1', port), 'page-1', 'guessed') as client:
            self.assertEqual(client.allocate()[0], 401)

    def test_a_page_connects_through_it_alone(self):
        server = self.told()
        host = next(url for url in server['urls'] if '127.0.0.1' in url).removeprefix('turn:').split('?')[0]
        url = f'turn:{server["username"]}:{server["credential"]}@{host}'
        peer = connect_page(self, self.port, 'chat', '--relay', '--ice-server', url)
        self.assertIn('Hello', peer.next()['text'])
        peer.give({'text': 'path'})
        self.assertIn('talks to your relay candidate ', peer.next()['text'])

    def test_a_port_in_use_and_a_program_are_told_of(self):
        port = re.search(r':(\d+)\?', self.told()['urls'][0])[1]
        status, _, errors = run('serve', '--listen', '127.0.0.1:0', '--turn-port', port)
        self.assertEqual(status, 1)
        self.assertRegex(errors, f'^kith serve: --turn: cannot bind UDP .*:{port}')
        status, _, errors = run('serve', '--turn-port', '65536')
        self.assertEqual(status, 2)
        self.assertIn('--turn-port wants', errors)
        status, _, errors = run('serve', '--turn', '--', 'true')
        self.assertEqual(status, 2)
        self.assertIn('not for a program', errors)


@unittest.skipUnless(shutil.which('turnutils_uclient'), 'coturn is not installed')
class Coturn(unittest.TestCase):
    """coturn's own clients. `-c` and `-s`: without an RTCP port beside (RESERVATION-TOKEN) and without channels, whose
    numbers it takes up to 0x7FFF (RFC 5766) where RFC 8656 section 12 ends at 0x4FFF."""

    def test_natdiscovery(self):
        with DiscoveryServer() as server:
            said = self.run_utility('turnutils_natdiscovery', '-m', '-f', '-L', '127.0.0.1', '-p', str(server.port))
            self.assertIn(f'Other addr: : 127.0.0.2:{server.port + 1}', said)
            self.assertIn('NAT with Endpoint Independent Mapping', said)
            self.assertIn('NAT with Endpoint Independent Filtering', said)

    def run_utility(self, name, *options):
        done = subprocess.run([name, *options, '127.0.0.1'], capture_output=True, text=True, timeout=LIMIT)
        return done.stdout + done.stderr

    def test_stunclient(self):
        with Server() as server:
            self.assertRegex(self.run_utility('turnutils_stunclient', '-p', str(server.port)),
                             r'UDP reflexive addr: 127\.0\.0\.1:\d+')

    def test_uclient_sends_through_two_relays(self):
        options = '-c', '-s', '-y', '-n', '5', '-m', '1'
        with Server() as server:
            said = self.run_utility('turnutils_uclient', '-p', str(server.port), '-u', USER[0], '-w', USER[1], *options)
            self.assertIn('tot_send_msgs=10, tot_recv_msgs=10', said)
        with Server(users=('--secret', 'secret')) as server:
            said = self.run_utility('turnutils_uclient', '-p', str(server.port), '-u', 'alice', '-W', 'secret', *options)
            self.assertIn('tot_send_msgs=10, tot_recv_msgs=10', said)

    def test_uclient_by_tcp_and_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            with Server('--cert', certificate, '--key', key, '--tls-port', '0') as server:
                tls = server.ice_server['urls'][2].split('?')[0].rsplit(':', 1)[1]
                for way in ('-t', '-p', str(server.port)), ('-t', '-S', '-p', tls), ('-t', '-S', '-E', certificate, '-p', tls):
                    said = self.run_utility('turnutils_uclient', *way, '-u', USER[0], '-w', USER[1], '-c', '-s', '-y', '-n', '5')
                    self.assertIn('tot_send_msgs=10, tot_recv_msgs=10', said)

    def test_uclient_with_a_wrong_password(self):
        with Server() as server:
            said = self.run_utility('turnutils_uclient', '-p', str(server.port), '-u', USER[0], '-w', 'wrong', '-c', '-s', '-y')
            self.assertIn('Cannot complete Allocation', said)


if __name__ == '__main__':
    unittest.main(verbosity=2)
