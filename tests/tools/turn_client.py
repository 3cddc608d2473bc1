"""A client of STUN and TURN (RFC 8489, RFC 8656), as much of it as the tests ask with."""
import hashlib
import hmac
import ipaddress
import os
import socket
import struct

from kit import LIMIT

COOKIE = 0x2112A442
BINDING, ALLOCATE, CREATE_PERMISSION, CHANNEL_BIND, SEND_INDICATION = 1, 3, 8, 9, 0x16
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA, REALM, NONCE, \
    XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT, XOR_MAPPED_ADDRESS = 6, 8, 9, 0xc, 0xd, 0x12, 0x13, 0x14, 0x15, 0x16, 0x19, 0x20
CHANGE_REQUEST, OTHER_ADDRESS = 3, 0x802c


def attribute(kind, value):
    return struct.pack('!HH', kind, len(value)) + value + bytes(-len(value) % 4)


def xor_address(ip, port):
    packed = int(ipaddress.IPv4Address(ip)) ^ COOKIE
    return struct.pack('!BBHI', 0, 1, port ^ COOKIE >> 16, packed)


def read_address(value):
    port, packed = struct.unpack('!HI', value[2:8])
    return str(ipaddress.IPv4Address(packed ^ COOKIE)), port ^ COOKIE >> 16


def read_plain_address(value):
    port, packed = struct.unpack('!HI', value[2:8])
    return str(ipaddress.IPv4Address(packed)), port


class TurnClient:
    """Has a socket, for UDP or TCP; use as a context."""

    def __init__(self, server, username='', password='', bind='127.0.0.1', kind=socket.SOCK_DGRAM, tls=None):
        self.username, self.password = username.encode(), password.encode()
        self.realm = self.nonce = b''
        self.is_stream = kind == socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind((bind, 0))
        self.socket.connect(server)
        self.socket.settimeout(LIMIT)
        if tls:  # an ssl.SSLContext
            self.socket = tls.wrap_socket(self.socket, server_hostname=server[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def credentials(self, head, attributes):
        attributes += attribute(USERNAME, self.username) + attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
        key = hashlib.md5(b':'.join((self.username, self.realm, self.password))).digest()
        signed = head[:2] + struct.pack('!H', len(attributes) + 24) + head[4:] + attributes
        return attributes + attribute(MESSAGE_INTEGRITY, hmac.new(key, signed, hashlib.sha1).digest())

    def read(self, count):
        data = b''
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionResetError('the server closed the connection')
            data += more
        return data

    def receive(self):
        """The next message; ChannelData without its padding."""
        if not self.is_stream:
            return self.socket.recv(65536)
        head = self.read(4)
        kind, length = struct.unpack('!HH', head)
        if kind < 0x4000:
            return head + self.read(16 + length)
        return head + self.read(length + -length % 4)[:length]

    def exchange(self, method, attributes):
        """The attributes of the answer, by type; those of an error have ERROR_CODE."""
        head = struct.pack('!HHI', method, 0, COOKIE) + os.urandom(12)
        if self.nonce:
            attributes = self.credentials(head, attributes)
        self.socket.sendall(head[:2] + struct.pack('!H', len(attributes)) + head[4:] + attributes)
        answer = b''
        while answer[8:20] != head[8:20]:
            answer = self.receive()
        found, at = {}, 20
        while at < len(answer):
            kind, length = struct.unpack_from('!HH', answer, at)
            found.setdefault(kind, answer[at + 4:at + 4 + length])
            at += 4 + length + -length % 4
        return found

    def ask(self, method, attributes=b''):
        """The code of the error, 0 for none, and the attributes; a challenge is answered."""
        for _ in range(2):
            found = self.exchange(method, attributes)
            error = found.get(ERROR_CODE)
            code = error[2] * 100 + error[3] if error else 0
            if code != 401 or self.nonce:
                break
            self.realm, self.nonce = found[REALM], found[NONCE]
        return code, found

    def allocate(self, lifetime=None):
        """The code, the relayed address and its lifetime."""
        attributes = attribute(REQUESTED_TRANSPORT, bytes((17, 0, 0, 0)))
        if lifetime is not None:
            attributes += attribute(LIFETIME, struct.pack('!I', lifetime))
        code, found = self.ask(ALLOCATE, attributes)
        if code != 0:
            return code, None, None
        return 0, read_address(found[XOR_RELAYED_ADDRESS]), struct.unpack('!I', found[LIFETIME])[0]

    def send(self, ip, port, data):
        """A Send indication."""
        attributes = attribute(XOR_PEER_ADDRESS, xor_address(ip, port)) + attribute(DATA, data)
        self.socket.sendall(struct.pack('!HHI', SEND_INDICATION, len(attributes), COOKIE) + os.urandom(12) + attributes)

    def send_on(self, channel, data):
        """ChannelData."""
        padding = bytes(-len(data) % 4) if self.is_stream else b''
        self.socket.sendall(struct.pack('!HH', channel, len(data)) + data + padding)

    def bind(self, channel, ip, port):
        peer = attribute(XOR_PEER_ADDRESS, xor_address(ip, port))
        return self.ask(CHANNEL_BIND, attribute(CHANNEL_NUMBER, struct.pack('!HH', channel, 0)) + peer)[0]

    def permit(self, ip, port=9):
        return self.ask(CREATE_PERMISSION, attribute(XOR_PEER_ADDRESS, xor_address(ip, port)))[0]
