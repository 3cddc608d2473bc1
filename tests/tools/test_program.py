"""`kith serve -- PROGRAM`: every page has a program of its own, whose lines are its signalling."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from kit import KITH, LIMIT, Peer, run
from websocket import WebSocket

WELCOME = {'kith': 'welcome', 'program': Path(sys.executable).name}

# The beginning of each program.
KIT = '''
import json, os, signal, sys, time
def say(object):
    os.write(1, (json.dumps(object) + "\\n").encode())
'''


class Programs(unittest.TestCase):
    def serve(self, *program, **options):
        self.process = subprocess.Popen([KITH, 'serve', '--listen', '127.0.0.1:0', '--', *program],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, **options)
        self.addCleanup(self.stop)
        self.port = int(self.process.stdout.readline().rstrip('/\n').rsplit(':', 1)[1])

    def script(self, text, *arguments):
        self.serve(sys.executable, '-c', KIT + text, *arguments)

    def stop(self, number=signal.SIGTERM):
        """What it wrote since it was ready, in both ways."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        if not self.process.stdout.closed:
            self.written = self.process.communicate(timeout=LIMIT)
        self.assertEqual(self.process.returncode, 0, self.written)
        return self.written

    def page(self):
        page = WebSocket(self.port, '/peer')
        self.addCleanup(page.socket.close)
        self.assertEqual(page.next(), WELCOME)
        return page


class Lines(Programs):
    def test_lines_are_messages_both_ways(self):
        self.script('''
say({"arguments": sys.argv[1:]})
for line in sys.stdin:
    say({"heard": json.loads(line)})
''', 'one', '--two')
        page = self.page()
        self.assertEqual(page.next(), {'arguments': ['one', '--two']})
        for text in '{"type":"offer","sdp":"v=0\\r\\n"}', '{"a":\n[1,\r\n2]}', 'null', '"%s"' % ('x' * 200000):
            page.send(text)
            self.assertEqual(page.next(), {'heard': json.loads(text)})

    def test_what_is_no_object_is_shown_in_the_terminal(self):
        self.script('''
print("a word", flush=True)
print("of trouble", file=sys.stderr, flush=True)
say({"then": 1})
sys.stdin.read()
''')
        self.assertEqual(self.page().next(), {'then': 1})
        self.assertEqual(self.stop(), ('a word\n', 'of trouble\n'))

    def test_the_last_line_needs_no_line_feed(self):
        self.script('print(\'{"last":true}\', end="")')
        page = self.page()
        self.assertEqual(page.next(), {'last': True})
        self.assertEqual(page.closed()[0], 1001)

    def test_who_does_not_read_is_given_up(self):
        self.script('time.sleep(1000)')
        page = self.page()
        for _ in range(30):
            page.send('"%s"' % ('x' * 200000))
        self.assertEqual(page.closed(), (1008, 'the program does not read what is sent to it'))


class Processes(Programs):
    def test_every_page_has_its_own(self):
        self.script('say({"pid": os.getpid()}); sys.stdin.read()')
        self.assertNotEqual(self.page().next(), self.page().next())

    def test_it_starts_as_from_a_shell(self):
        # The second page's program sees nothing of the first one's.
        self.serve('sh', '-c', 'ls /proc/self/fd | tr "\\n" " " >&2; grep -E "^Sig(Blk|Ign)" /proc/self/status >&2; echo {}; cat')
        for _ in range(2):
            with WebSocket(self.port, '/peer') as page:
                page.next(), page.next()
        lines = self.stop()[1].splitlines()
        self.assertEqual(len(lines), 4, lines)
        for i in 0, 2:
            self.assertTrue(lines[i].startswith('0 1 2 3 SigBlk:\t0000000000000000'), lines)  # 3 is what ls reads
            ignored = int(lines[i + 1].split()[1], 16)
            self.assertEqual(ignored & 1 << (signal.SIGPIPE - 1), 0)

    def test_it_leads_a_group_of_its_own(self):
        self.script('say({"leads": os.getpgid(0) == os.getpid()})')
        self.assertEqual(self.page().next(), {'leads': True})

    def test_pages_have_a_limit(self):
        self.serve('cat')
        pages = [WebSocket(self.port, '/peer') for _ in range(64)]
        for page in pages:
            self.assertEqual(page.next()['program'], 'cat')
        with WebSocket(self.port, '/peer') as one_more:
            self.assertEqual(one_more.closed(), (4002, 'there are too many pages'))
        for page in pages:
            page.socket.close()

    def test_one_that_cannot_be_started_says_why(self):
        self.serve('./nothing-here')
        with WebSocket(self.port, '/peer') as page:
            self.assertEqual(page.closed(), (1001, './nothing-here cannot be started: No such file or directory'))
        self.assertIn('./nothing-here cannot be started', self.stop()[1])


class Endings(Programs):
    def await_text(self, path, text):
        limit = time.monotonic() + LIMIT
        while not path.exists() or path.read_text() != text:
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)

    def await_end(self, pid):
        limit = time.monotonic() + LIMIT
        while os.path.exists(f'/proc/{pid}') and 'zombie' not in Path(f'/proc/{pid}/status').read_text():
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)

    def noting(self, text):
        """The script notes what becomes of it in the file that this gives."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.script('''
def note(text):
    new = sys.argv[1] + f".{os.getpid()}"
    with open(new, "w") as file:
        file.write(text)
    os.rename(new, sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: (note("terminated"), os._exit(0)))
''' + text, os.path.join(folder.name, 'note'))
        return Path(folder.name) / 'note'

    def test_its_input_ends_when_the_page_leaves_and_it_may_finish(self):
        note = self.noting('say({}); sys.stdin.read(); time.sleep(0.2); note("finished")')
        page = self.page()
        page.next()
        page.socket.close()
        self.await_text(note, 'finished')

    def test_one_that_goes_on_is_asked_to_end(self):
        note = self.noting('say({}); time.sleep(1000)')
        page = self.page()
        page.next()
        page.socket.close()
        self.await_text(note, 'terminated')

    def test_one_that_does_not_want_to_is_killed_and_what_it_started_too(self):
        self.script('''
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
say({"pid": os.getpid()})
time.sleep(1000)
''')
        page = self.page()
        pids = [page.next()['pid'], page.next()['pid']]
        page.socket.close()
        for pid in pids:
            self.await_end(pid)

    def test_all_end_with_the_server(self):
        for number in signal.SIGTERM, signal.SIGINT:
            note = self.noting('say({}); sys.stdin.read(); note("finished")')
            pages = [self.page(), self.page()]
            for page in pages:
                page.next()
            self.assertEqual(self.stop(number), ('', ''))
            self.assertEqual(note.read_text(), 'finished')

    def test_the_page_is_told_how_it_ended(self):
        name = WELCOME['program']
        for text, words in (('sys.exit(3)', 'has ended with status 3'), ('', 'has ended'),
                            ('os.kill(os.getpid(), signal.SIGKILL)', 'was ended by signal 9')):
            self.script(text)
            self.assertEqual(self.page().closed(), (1001, f'{name} {words}. Reload the page to start it again.'))
            self.assertEqual(self.stop()[1], f'kith serve: {name} {words}\n' if text else '')

    def test_what_it_left_running_is_asked_to_end(self):
        self.script('''
signal.signal(signal.SIGTERM, lambda *_: (say({"asked": True}), os._exit(0)))
pid = os.fork()
if pid == 0:
    time.sleep(1000)
say({"left": pid})
''')
        page = self.page()
        pid = page.next()['left']
        self.assertEqual(page.next(), {'asked': True})
        self.assertIn('has ended', page.closed()[1])
        self.await_end(pid)


class Usage(unittest.TestCase):
    def test_options_of_the_built_in_peer_are_refused(self):
        for option in ('--media', 'x.ivf'), ('--ice-server', 'stun:127.0.0.1'):
            status, _, errors = run('serve', '--listen', '127.0.0.1:0', *option, '--', 'true')
            self.assertEqual(status, 2)
            self.assertIn('not for a program', errors)

    def test_a_program_stands_behind_two_hyphens(self):
        status, _, errors = run('serve', '--listen', '127.0.0.1:0', 'true')
        self.assertEqual((status, errors), (2, 'kith serve: unexpected argument true (see kith serve --help)\n'))


class Peers(Programs):
    """The page's side is `kith peer`, and so is the program."""

    def test_a_program_is_met(self):
        self.serve(KITH, 'peer', 'answer', '--echo', '--loopback')
        page = WebSocket(self.port, '/peer')
        self.addCleanup(page.socket.close)
        self.assertEqual(page.next(), {'kith': 'welcome', 'program': 'kith'})
        peer = Peer('offer', '--loopback')
        self.addCleanup(peer.stop)
        peer.other = page
        page.give = page.send

        def carry():
            try:
                while True:
                    message = page.next()
                    if 'sdp' in message or 'candidate' in message:
                        peer.give(message)
            except (EOFError, OSError, ValueError, AssertionError):
                return

        threading.Thread(target=carry, daemon=True).start()
        peer.until(channel='kith', open=True)
        peer.give({'text': 'to the program'})
        self.assertEqual(peer.until(text='to the program'), {'text': 'to the program'})
        peer.end_input()
        self.assertEqual(peer.wait(), 0, peer.errors)


if __name__ == '__main__':
    unittest.main(verbosity=2)
