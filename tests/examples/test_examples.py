#!/usr/bin/env python3
"""Runs the programs of docs/examples and README as their users would, pasting lines from one to the other.

    test_examples.py DIRECTORY_OF_PROGRAMS [NAME...]
"""
import filecmp
import os
import selectors
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

PATIENCE = 60  # seconds for what takes milliseconds


class Program:
    """An example that runs, with its lines."""

    def __init__(self, folder, name, *args):
        self.process = subprocess.Popen([folder / f'example-{name}', *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.rest = {self.process.stdout: b'', self.process.stderr: b''}

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


def first_program(folder):
    assert len((folder / 'first_program.c').read_text().splitlines()) <= 40
    with Program(folder, 'first_program') as a:
        assert a.read() == b'alice said hello'
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


def main():
    folder = Path(sys.argv[1]).absolute()
    examples = {f.__name__: f for f in (first_program, chat, echo_server, file_transfer, many_peers, no_loop,
                                        own_event_loop)}
    for name in sys.argv[2:] or examples:
        examples[name](folder)
        print(f'{name}: ok')


main()
