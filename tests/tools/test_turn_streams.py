"""`kith peer` through a TURN server that it reaches by TCP and TLS: `kith turn`, and coturn where that is installed;
certificates of every kind."""
import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from kit import LIMIT, Pair, Peer
from test_turn import USER, Server, make_certificate


def make_expired_certificate(folder):
    """Of 127.0.0.1, valid in 2020."""
    with open(os.path.join(folder, 'ca.conf'), 'w', encoding='ascii') as conf:
        conf.write('[ca]\ndefault_ca = it\n[it]\ndatabase = index\nserial = serial\nnew_certs_dir = .\ndefault_md = sha256\n'
                   'policy = policy\nx509_extensions = extensions\n[policy]\ncommonName = supplied\n'
                   '[extensions]\nsubjectAltName = IP:127.0.0.1\n')
    with open(os.path.join(folder, 'index'), 'w', encoding='ascii'), open(os.path.join(folder, 'serial'), 'w', encoding='ascii') as serial:
        serial.write('01\n')
    for command in ('req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=kith -keyout key.pem -out request.pem',
                    'ca -batch -config ca.conf -selfsign -keyfile key.pem -in request.pem -out cert.pem -notext '
                    '-startdate 20200101000000Z -enddate 20210101000000Z'):
        subprocess.run(['openssl', *command.split()], cwd=folder, check=True, capture_output=True, timeout=LIMIT)
    return os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')


class Folder(unittest.TestCase):
    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name


class TlsServer(Server):
    """`kith turn` by TLS too."""

    def __init__(self, certificate, *options):
        super().__init__('--cert', certificate[0], '--key', certificate[1], '--tls-port', '0', *options)

    def tls_url(self):
        port = re.search(r'turns:127.0.0.1:(\d+)', ' '.join(self.ice_server['urls']))[1]
        return f'turns:{":".join(USER)}@127.0.0.1:{port}'


class Talking(Folder):
    def talk(self, url, *options):
        with Pair(both=('--relay', '--ice-server', url, *options), answer=('--echo',)) as pair:
            offerer, answerer = pair.connect()
            for text in 'through the relay', 'x' * 50000:
                offerer.give({'text': text})
                self.assertEqual(offerer.until(text=text)['text'], text)
            candidates = [obj['candidate'] for peer in (offerer, answerer) for obj in peer.signals if obj.get('candidate')]
            self.assertGreater(len(candidates), 1)
            for line in candidates:
                self.assertIn(' typ relay', line)

    def refused(self, url, words, *options):
        peer = Peer('offer', '--relay', '--ice-server', url, *options)
        self.addCleanup(peer.stop)
        peer.until_said(words)


class Own(Talking):
    """`kith turn`."""

    def test_two_peers_meet_by_tcp(self):
        with Server() as server:
            self.talk(server.url() + '?transport=tcp')
            self.assertEqual(server.counter('streams_accepted_total'), 2)

    def test_two_peers_meet_by_tls(self):
        certificate = make_certificate(self.folder())
        with TlsServer(certificate) as server:
            self.talk(server.tls_url(), '--tls-roots', certificate[0])
            self.assertEqual(server.counter('tls_failures_total'), 0)

    def test_a_certificate_that_is_not_believed_is_told_of(self):
        good, other = (make_certificate(self.folder()) for _ in range(2))
        expired = make_expired_certificate(self.folder())
        for certificate, options, words in (
                (good, (), 'TLS: self-signed certificate'),
                (good, ('--tls-roots', other[0]), 'TLS: self-signed certificate'),
                (expired, ('--tls-roots', expired[0]), 'TLS: certificate has expired')):
            with TlsServer(certificate) as server:
                self.refused(server.tls_url(), words, *options)
                self.assertEqual(server.counter('allocations_made_total'), 0)

    def test_a_certificate_of_another_name_is_told_of(self):
        certificate = make_certificate(self.folder())
        with TlsServer(certificate) as server:
            self.refused(server.tls_url().replace('127.0.0.1', 'localhost'), 'TLS: hostname mismatch', '--tls-roots', certificate[0])

    def test_a_port_where_nobody_listens_is_told_of(self):
        with socket.socket() as bound:  # which does not listen
            bound.bind(('127.0.0.1', 0))
            self.refused(f'turn:{":".join(USER)}@127.0.0.1:{bound.getsockname()[1]}?transport=tcp', 'the TCP connection was refused (701)')

    def test_a_server_without_tls_is_told_of(self):
        with Server() as server:
            self.refused(server.url().replace('turn:', 'turns:'), '701')

    def test_roots_that_are_none_are_told_of(self):
        folder = self.folder()
        empty = os.path.join(folder, 'empty.pem')
        with open(empty, 'w', encoding='ascii'):
            pass
        for path, words in (empty, 'no certificate in PEM among the roots'), (f'{folder}/nothing', 'cannot be read'):
            peer = Peer('offer', '--tls-roots', path)
            self.addCleanup(peer.stop)
            peer.until_said(words)


@unittest.skipUnless(shutil.which('turnserver'), 'coturn is not installed')
class Coturn(Talking):
    @contextlib.contextmanager
    def server(self, certificate, *options):
        """Its first port, UDP and TCP; TLS is the next. It takes none that the system chooses; where one is taken it is started
        elsewhere."""
        for attempt in range(20):
            realm = f'{os.getpid()}-{attempt}.kith.test'
            port = random.randrange(10000, 30000, 2)
            process = subprocess.Popen(
                ['turnserver', '-n', '--no-cli', '--no-dtls', '--lt-cred-mech', '--realm', realm, '--user', ':'.join(USER),
                 '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--allow-loopback-peers', '--cert', certificate[0],
                 '--pkey', certificate[1], '--listening-port', str(port), '--tls-listening-port', str(port + 1),
                 '--pidfile', os.path.join(self.folder(), 'pid'), '--userdb', os.path.join(self.folder(), 'db'),
                 '--log-file', 'stdout', '--no-stdout-log', *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                if self.listens(process, port + 1) and self.listens(process, port, realm.encode()):
                    yield port
                    return
            finally:
                process.kill()
                process.wait()
        raise AssertionError('coturn finds no ports')

    def listens(self, process, port, realm=b''):
        """Is it the server of this realm that answers an Allocate (RFC 8656 section 7.1) there?"""
        allocate = bytes.fromhex('0003' '0008' '2112a442') + b'who is there' + bytes.fromhex('0019' '0004' '11000000')
        end = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), LIMIT) as connection:
                if not realm:
                    return True
                connection.sendall(allocate)
                return realm in connection.recv(2000)
            time.sleep(0.02)
        return False

    def test_two_peers_meet_by_tcp_and_tls(self):
        certificate = make_certificate(self.folder())
        with self.server(certificate) as port:
            self.talk(f'turn:{":".join(USER)}@127.0.0.1:{port}?transport=tcp')
            self.talk(f'turns:{":".join(USER)}@127.0.0.1:{port + 1}', '--tls-roots', certificate[0])

    def test_a_certificate_that_is_not_believed_is_told_of(self):
        good, expired = make_certificate(self.folder()), make_expired_certificate(self.folder())
        with self.server(good) as port:
            self.refused(f'turns:{":".join(USER)}@127.0.0.1:{port + 1}', 'TLS: self-signed certificate')
            self.refused(f'turns:{":".join(USER)}@localhost:{port + 1}', 'TLS: hostname mismatch', '--tls-roots', good[0])
        with self.server(expired) as port:
            self.refused(f'turns:{":".join(USER)}@127.0.0.1:{port + 1}', 'TLS: certificate has expired', '--tls-roots', expired[0])

    def test_a_wrong_password_and_a_full_server_are_told_of(self):
        certificate = make_certificate(self.folder())
        with self.server(certificate, '--total-quota', '1') as port:
            self.refused(f'turn:kith:wrong@127.0.0.1:{port}?transport=tcp', '401')
            first = Peer('offer', '--relay', '--ice-server', f'turn:{":".join(USER)}@127.0.0.1:{port}?transport=tcp')
            self.addCleanup(first.stop)
            first.other = first  # its candidates lead nowhere
            with contextlib.suppress(AssertionError):
                first.until_signal(candidate='')
            self.refused(f'turn:{":".join(USER)}@127.0.0.1:{port}?transport=tcp', '486')


if __name__ == '__main__':
    unittest.main(verbosity=2)
