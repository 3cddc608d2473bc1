"""`kith doctor`: behind NATs whose kind is known by construction, towards our server and coturn; what it prints, and its
exit status."""
import json
import os
import shutil
import subprocess
import unittest
import unittest.mock
from pathlib import Path

from kit import KITH, LIMIT, run
from test_network import NETNS, UNSHARE, may_unshare
from test_turn import USER, DiscoveryServer, Server

BEHIND_NAT = Path(__file__).parent / 'behind_nat.sh'
EIM, ADF, APD = 'endpoint-independent', 'address-dependent', 'address-and-port-dependent'

# Of each NAT: kind, mapping, filtering, whether ports are kept.
NATS = {
    'none': ('open', EIM, EIM, True),
    'firewall': ('firewall', EIM, APD, True),
    'full-cone': ('full-cone', EIM, EIM, True),
    'restricted-cone': ('restricted-cone', EIM, ADF, True),
    'port-restricted-cone': ('port-restricted-cone', EIM, APD, True),
    'symmetric': ('symmetric', APD, APD, False),
}


def doctor_behind(nat, server, *args):
    """(status, report)"""
    done = subprocess.run([BEHIND_NAT, nat, server, KITH, '--json', *args], capture_output=True, text=True, timeout=2 * LIMIT)
    if done.returncode == 77:
        raise unittest.SkipTest('no network namespaces with nftables here')
    if not done.stdout:
        raise AssertionError(done.stderr)
    return done.returncode, json.loads(done.stdout)


class Nats(unittest.TestCase):
    def check_every_nat(self, server):
        for nat, (kind, mapping, filtering, kept) in NATS.items():
            with self.subTest(nat=nat):
                status, report = doctor_behind(nat, server, 'turn:user:password@198.51.100.1')
                self.assertEqual(status, 0)
                [local], [server_found] = report['locals'], report['servers']
                self.assertEqual((local['kind'], local['mapping'], local['filtering'], local['portPreservation']),
                                 (kind, mapping, filtering, kept))
                self.assertEqual(local['isTranslated'], nat not in ('none', 'firewall'))
                self.assertTrue(server_found['answers'] and server_found['allocates'] and server_found['hasOtherAddress'])
                self.assertEqual(local['pathMtu'], 1500)

    def test_towards_our_server(self):
        self.check_every_nat('kith')

    @unittest.skipUnless(shutil.which('turnserver'), 'coturn is not installed')
    def test_towards_coturn(self):
        self.check_every_nat('coturn')

    def test_hairpin(self):
        for nat, hairpin in ('full-cone', False), ('full-cone+hairpin', True):
            self.assertEqual(doctor_behind(nat, 'kith', '198.51.100.1')[1]['locals'][0]['hairpin'], hairpin)

    def test_how_long_a_mapping_lives(self):
        with unittest.mock.patch.dict(os.environ, UDP_TIMEOUT='15'):
            _, report = doctor_behind('symmetric', 'kith', '--lifetime', '30', '198.51.100.1')
        self.assertEqual((report['locals'][0]['lifetimeMin'], report['locals'][0]['lifetimeMax']), (10, 20))

    def test_udp_that_does_not_pass(self):
        status, report = doctor_behind('no-udp', 'kith', 'turn:user:password@198.51.100.1')
        self.assertEqual((status, report['locals'][0]['kind'], report['locals'][0]['udp']), (1, 'no-udp', False))
        [server] = report['servers']
        self.assertEqual((server['answers'], server['allocates'], server['errorCode']), (False, False, 701))


class Servers(unittest.TestCase):
    def test_one_that_serves_and_one_that_refuses(self):
        with DiscoveryServer() as server:
            host = f'127.0.0.1:{server.port}'
            status, out, _ = run('doctor', '--loopback', host, f'turn:{":".join(USER)}@{host}')
            self.assertEqual(status, 0)
            self.assertRegex(out, r'STUN by UDP: answers.*can tell of NATs')
            self.assertRegex(out, r'TURN by UDP: allocates in \d+ ms: 127\.0\.0\.1:\d+')
            self.assertIn('There is neither NAT nor firewall', out)
            status, out, _ = run('doctor', '--loopback', f'turn:{USER[0]}:wrong@{host}')
            self.assertEqual(status, 1)
            self.assertRegex(out, r'TURN by UDP: no: .* \(401\)')

    def test_one_without_a_second_address_says_so(self):
        with Server('--stun-only', users=()) as server:
            status, out, _ = run('doctor', '--loopback', f'127.0.0.1:{server.port}')
            self.assertEqual(status, 0)
            self.assertIn('has no second address', out)

    def test_a_name_that_does_not_exist(self):
        status, out, _ = run('doctor', '--json', 'stun:nohost.invalid')
        self.assertEqual(status, 1)
        self.assertIn(json.loads(out)['servers'][0]['errorText'], "the server's name could not be resolved")


class Words(unittest.TestCase):
    def test_without_a_server_it_tells_addresses_and_what_is_missing(self):
        status, out, errors = run('doctor')
        self.assertEqual((status, errors), (0, ''))
        self.assertIn('takes a server to ask: kith doctor SERVER', out)
        status, out, _ = run('doctor', '--json')
        self.assertEqual((status, json.loads(out)['servers']), (0, []))

    @unittest.skipUnless(may_unshare(), 'no network namespaces here')
    def test_multicast_dns_is_heard_where_there_is_a_network(self):
        for wrapper, works in ((NETNS,), True), (UNSHARE, False):
            done = subprocess.run([*wrapper, KITH, 'doctor', '--json'], capture_output=True, text=True, timeout=LIMIT)
            self.assertEqual(json.loads(done.stdout)['multicastDns'], works, done.stdout)

    def test_wrong_usage_is_explained(self):
        for args, words in ((['turn:example.org'], 'a username and a credential'),
                            (['turns:a:b@example.org'], 'over UDP'),
                            (['stun:'], 'no host name'),
                            (['--lifetime', '60'], 'takes a server'),
                            (['--lifetime', '1', 'example.org'], 'from 10'),
                            (['a.example'] * 17, 'at most 16')):
            with self.subTest(args=args):
                status, out, errors = run('doctor', *args)
                self.assertEqual((status, out), (2, ''))
                self.assertIn(words, errors)
                self.assertTrue(errors.startswith('kith doctor: ') and errors.count('\n') == 1, errors)


if __name__ == '__main__':
    unittest.main(verbosity=2)
