"""What `kith peer` says of a network that is not there, and of servers that are silent: soon, in words.
Each test has a network of its own (netns.sh); it is skipped where a process may not make one."""
import os
import subprocess
import tempfile
import time
import unittest

from kit import KITH, Process

NETNS = os.path.join(os.path.dirname(__file__), '..', 'interop', 'lib', 'netns.sh')
UNSHARE = ['unshare', '-m', '-n'] if os.geteuid() == 0 else ['unshare', '-Urnm']
# In netns.sh's network what is sent there vanishes.
SILENT = '192.0.2.254'
# Words come after 1.5 s, which a slow machine may stretch; the system's resolver alone would take 10 s, TCP 127 s.
SOON = 5.0


def may_unshare():
    return subprocess.run([*UNSHARE, 'true'], capture_output=True).returncode == 0


class Namespaces(unittest.TestCase):
    def test_where_none_may_be_made_the_test_is_skipped(self):
        with tempfile.TemporaryDirectory() as folder:
            unshare = os.path.join(folder, 'unshare')
            with open(unshare, 'w', encoding='ascii') as file:
                file.write('#!/bin/sh\necho "unshare failed: Operation not permitted" >&2\nexit 1\n')
            os.chmod(unshare, 0o755)
            done = subprocess.run([NETNS, 'true'], capture_output=True, text=True,
                                  env={**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}'})
        self.assertEqual(done.returncode, 77)
        self.assertIn('skipped', done.stdout)


@unittest.skipUnless(may_unshare(), 'no network namespaces here')
class Network(unittest.TestCase):
    def peer(self, *args, wrapper=(NETNS,)):
        peer = Process(*args, command=[*wrapper, KITH, 'peer', 'offer'])
        self.addCleanup(peer.stop)
        return peer

    def end(self, peer):
        peer.end_input()
        self.assertEqual(peer.wait(), 3)
        return peer.said

    def check(self, said, *words):
        for line in words:
            line = f'kith peer: {line}'
            self.assertIn(line, said)
            self.assertLess(said[line], SOON, line)

    def check_end_of_gathering(self, peer, server):
        """It is 1.5 s after the silence was told; STUN by itself would go on for 39.5 s (RFC 8489 section 6.2.1)."""
        told = peer.said[f'kith peer: {server}: no answer yet']
        self.assertLess(time.monotonic() - peer.began - told, SOON)

    def test_a_machine_without_a_network_is_told_of(self):
        peer = self.peer(wrapper=UNSHARE)
        peer.until(candidate='')
        self.check(self.end(peer), 'this machine has no network address that the other side could reach '
                                   '(--loopback takes its own ones, too)')

    def test_a_signalling_server_that_no_network_leads_to_is_told_of(self):
        peer = self.peer('--signal', 'ws://192.0.2.9/room', wrapper=UNSHARE)
        self.assertEqual(peer.wait(), 3)
        self.check(peer.said, 'ws://192.0.2.9/room: the server cannot be reached (this machine has no network)')

    def test_a_silent_signalling_server_is_told_of_and_given_up(self):
        peer = self.peer('--signal', f'ws://{SILENT}/room')
        self.assertEqual(peer.wait(), 3)
        self.check(peer.said, f'ws://{SILENT}/room: no answer yet')

    def test_a_signalling_host_that_does_not_exist_ends_it(self):
        peer = self.peer('--signal', 'ws://nohost.example/room', wrapper=UNSHARE)
        self.assertEqual(peer.wait(), 3)
        self.assertTrue(any(line.startswith('kith peer: ws://nohost.example/room: nohost.example: ')
                            and seconds < SOON for line, seconds in peer.said.items()), peer.said)

    def silent_name_server(self, *args):
        with tempfile.NamedTemporaryFile('w', delete=False) as file:
            file.write(f'nameserver {SILENT}\n')
        self.addCleanup(os.unlink, file.name)
        mount = f'mount --bind {file.name} /etc/resolv.conf && exec "$@"'
        return self.peer(*args, wrapper=[*UNSHARE, 'sh', '-c', mount, 'sh', NETNS, '--inside'])

    def test_a_silent_name_server_is_told_of(self):
        peer = self.silent_name_server('--signal', 'ws://host.example/room')
        peer.until_said('no answer yet')
        self.check(self.end(peer), 'ws://host.example/room: no answer yet')

    def test_a_silent_name_server_ends_gathering_early(self):
        peer = self.silent_name_server('--ice-server', 'stun:host.example')
        peer.until(candidate='')
        self.check_end_of_gathering(peer, 'stun:host.example')
        said = self.end(peer)
        self.check(said, 'stun:host.example: no answer yet')
        self.assertIn("kith peer: stun:host.example: the server's name could not be resolved (701)", said)

    def test_a_stun_server_that_does_not_exist_is_told_of_once(self):
        peer = self.peer('--ice-server', 'stun:nohost.example', wrapper=UNSHARE)
        peer.until(candidate='')
        words = "stun:nohost.example: the server's name could not be resolved (701)"
        self.check(self.end(peer), words)
        self.assertEqual(sum('nohost' in line for line in peer.errors), 1)

    def test_a_silent_stun_server_ends_gathering_early(self):
        for options in [], ['--no-trickle']:
            peer = self.peer('--ice-server', f'stun:{SILENT}', *options)
            if options:
                self.assertIn('a=end-of-candidates', peer.until(type='offer')['sdp'])
            else:
                peer.until(candidate='')
            self.check_end_of_gathering(peer, f'stun:{SILENT}')
            self.check(self.end(peer), f'stun:{SILENT}: no answer yet')
            self.assertEqual(sum('did not answer (701)' in line for line in peer.errors), 1)


if __name__ == '__main__':
    unittest.main(verbosity=2)
