"""A WebSocket client that can misbehave: enough of RFC 6455 to test a server's refusals."""
import base64
import json
import os
import socket
import struct

LIMIT = 20  # seconds for any one wait

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0


class Refused(Exception):
    """The server answered the upgrade with another status."""

    def __init__(self, status, body):
        super().__init__(f'{status} {body}')
        self.status, self.body = status, body


class WebSocket:
    def __init__(self, port, path, headers=(), host=None):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=LIMIT)
        self.rest = b''
        lines = [f'GET {path} HTTP/1.1', f'Host: {host or f"127.0.0.1:{port}"}', 'Connection: Upgrade',
                 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
                 f'Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}', *headers]
        self.socket.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode())
        while b'\r\n\r\n' not in self.rest:
            self._receive()
        head, self.rest = self.rest.split(b'\r\n\r\n', 1)
        status = int(head.split()[1])
        if status != 101:
            while self._receive():
                pass
            self.socket.close()
            raise Refused(status, self.rest.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        """Ends as a browser's page does; a socket that is just closed is one that died."""
        self.send(struct.pack('>H', 1001), CLOSE)
        self.socket.close()

    def _receive(self):
        data = self.socket.recv(65536)
        self.rest += data
        return data

    def _take(self, size):
        while len(self.rest) < size:
            if not self._receive():
                raise EOFError('the server closed the connection')
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def send(self, payload, opcode=TEXT, final=True):
        """One masked frame; what the server no longer reads is no error here."""
        if not isinstance(payload, (bytes, bytearray)):
            payload = (payload if isinstance(payload, str) else json.dumps(payload)).encode()
        size = len(payload)
        head = bytes([(128 if final else 0) | opcode])
        head += (bytes([128 | size]) if size < 126 else
                 bytes([254]) + struct.pack('>H', size) if size < 65536 else
                 bytes([255]) + struct.pack('>Q', size))
        mask = os.urandom(4)
        key = int.from_bytes((mask * (size // 4 + 1))[:size], 'big')
        masked = (int.from_bytes(payload, 'big') ^ key).to_bytes(size, 'big')
        try:
            self.socket.sendall(head + mask + masked)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def frame(self):
        """The next (opcode, payload) that is no ping."""
        while True:
            first, second = self._take(2)
            size = second & 127
            if size == 126:
                size = struct.unpack('>H', self._take(2))[0]
            elif size == 127:
                size = struct.unpack('>Q', self._take(8))[0]
            payload = self._take(size)
            if first & 15 == PING:
                self.send(payload, PONG)
            else:
                return first & 15, payload

    def next(self):
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def closed(self):
        """The (code, reason) with which the server closes, whatever comes before."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                return struct.unpack('>H', payload[:2])[0], payload[2:].decode()
