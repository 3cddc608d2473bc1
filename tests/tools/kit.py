"""What the tests of the tools share: processes that speak JSON lines, and two peers wired together.

Nothing sleeps: every wait is for a line or for the end of a process, and has a limit."""
import concurrent.futures
import json
import os
import queue
import select
import socket
import subprocess
import threading
import time

KITH = os.environ.get('KITH', 'kith')
LIMIT = 30  # seconds for any one wait


def run(*args, stdin=''):
    """Runs the command to its end: (status, stdout, stderr)."""
    done = subprocess.run([KITH, *args], input=stdin, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


def together(*steps):
    """Takes steps at the same time, as signalling has to flow both ways; their results."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(step) for step in steps]]


class Process:
    """A command whose output comes as lines of JSON."""

    def __init__(self, *args, command=(KITH,)):
        self.process = subprocess.Popen([*command, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors='replace')
        self.began = time.monotonic()
        self.lines = queue.Queue()
        self.seen = []
        self.errors = []
        # The errors, each with the seconds from the beginning to it.
        self.said = {}
        self.saying = threading.Condition()
        self.threads = [threading.Thread(target=self._read_lines, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for thread in self.threads:
            thread.start()

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _read_errors(self):
        for line in self.process.stderr:
            with self.saying:
                self.errors.append(line)
                self.said[line.rstrip()] = time.monotonic() - self.began
                self.saying.notify_all()

    def stop_reading(self):
        """Lets what the process writes pile up in the pipe."""
        self.lines.maxsize = 1

    def give(self, obj):
        self.process.stdin.write(json.dumps(obj) + '\n')
        self.process.stdin.flush()

    def next(self):
        """The next line as an object; None at the end of output."""
        line = self.lines.get(timeout=LIMIT)
        if line is None:
            return None
        self.seen.append(json.loads(line))
        return self.seen[-1]

    def until(self, **members):
        """The next object with these members."""
        while (obj := self.next()) is not None:
            if all(obj.get(key) == value for key, value in members.items()):
                return obj
        raise AssertionError(f'ended without {members}: {self.seen} {"".join(self.errors)}')

    def until_said(self, words):
        """Waits for these words on standard error."""
        with self.saying:
            assert self.saying.wait_for(lambda: any(words in line for line in self.errors), LIMIT), self.errors

    def end_input(self):
        self.process.stdin.close()

    def wait(self):
        """The exit status, after the rest of the output."""
        while self.next() is not None:
            pass
        status = self.process.wait(timeout=LIMIT)
        for thread in self.threads:
            thread.join(timeout=LIMIT)
        return status

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=LIMIT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Peer(Process):
    """`kith peer`, its signalling handed to the other one as it comes."""

    def __init__(self, role, *options):
        super().__init__('peer', role, '--loopback', *options)
        self.other = None
        self.signals = []

    def next(self):
        while True:
            obj = super().next()
            if not self.carry(obj):
                return obj

    def carry(self, obj):
        """Hands a signal on; False: it is none."""
        if obj is None or not ('sdp' in obj or 'candidate' in obj):
            return False
        self.signals.append(obj)
        try:
            self.other.give(obj)
        except (BrokenPipeError, ValueError):
            pass  # it has left already
        return True

    def until_signal(self, **members):
        """The next description or candidate with these members, handed on."""
        while (obj := super().next()) is not None:
            if self.carry(obj) and all(obj.get(key) == value for key, value in members.items()):
                return obj
        raise AssertionError(f'ended without {members}: {"".join(self.errors)}')


class Reordered:
    """Carries a peer's signalling with the description behind all its candidates."""

    def __init__(self, give):
        self.carry, self.held, self.given_early = give, None, 0

    def give(self, obj):
        if 'sdp' in obj:
            self.held = obj
            return
        self.carry(obj)
        self.given_early += 1
        if obj['candidate'] == '':
            self.carry(self.held)


class Wire(threading.Thread):
    """Carries the datagrams of two peers, as candidates tell them to send them here, and loses those of which
    `loses(content type of DTLS)` is true."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sockets = []
        for _ in range(2):
            self.sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self.sockets[-1].bind(('127.0.0.1', 0))
        self.ends = [None, None]
        self.loses = lambda content_type: False

    def run(self):
        while True:
            for ready in select.select(self.sockets, [], [])[0]:
                side = self.sockets.index(ready)
                data, self.ends[side] = ready.recvfrom(2048)
                if self.ends[1 - side] and not self.loses(data[0]):
                    self.sockets[1 - side].sendto(data, self.ends[1 - side])

    def tell(self, side, give):
        """What carries the signals of one side to the other, with our socket in place of its."""
        wire = self

        class Carrier:
            @staticmethod
            def give(obj):
                words = obj.get('candidate', '').split()
                if words and words[4] != '127.0.0.1':
                    return
                if words:
                    wire.ends[side] = ('127.0.0.1', int(words[5]))
                    words[5] = str(wire.sockets[1 - side].getsockname()[1])
                    obj = {**obj, 'candidate': ' '.join(words)}
                give(obj)

        return Carrier


class Pair:
    """An offerer and an answerer; use as a context."""

    def __init__(self, offer=(), answer=(), both=()):
        self.offerer = Peer('offer', *offer, *both)
        self.answerer = Peer('answer', *answer, *both)
        self.offerer.other, self.answerer.other = self.answerer, self.offerer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.offerer.stop()
        self.answerer.stop()

    def connect(self, label='kith'):
        together(*(lambda peer=peer: peer.until(channel=label, open=True)
                   for peer in (self.offerer, self.answerer)))
        return self.offerer, self.answerer
