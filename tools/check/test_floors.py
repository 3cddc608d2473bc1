#!/usr/bin/env python3
"""floors.py notices what it is there for: each case is a small house with one thing wrong."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import floors  # noqa: E402


class Floors(unittest.TestCase):
    def complaints(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
            return floors.check(Path(folder))

    def refuses(self, name, include):
        self.assertEqual(len(self.complaints(name, f'#include {include}\n')), 1, f'{include} in {name}')

    def accepts(self, name, include):
        self.assertEqual(self.complaints(name, f'#include {include}\n'), [])

    def test_includes_go_downward(self):
        self.accepts('src/ice/agent.c', '"wire/stun.h"')
        self.accepts('src/ice/agent.c', '"base/reader.h"')
        self.accepts('src/base/map.c', '"kith/base.h"')
        self.refuses('src/base/map.c', '"crypto/random.h"')
        self.refuses('src/wire/stun.c', '"ice/ice.h"')
        self.refuses('src/ice/agent.c', '"pc/pc.h"')

    def test_engines_do_not_see_each_other(self):
        self.refuses('src/ice/agent.c', '"tls/dtls.h"')
        self.refuses('src/srtp/session.c', '"tls/dtls.h"')
        self.refuses('src/sctp/usrsctp/send.c', '"ice/ice.h"')

    def test_a_room_is_entered_by_its_door(self):
        self.accepts('src/pc/pump.c', '"ice/ice.h"')
        self.accepts('src/ice/agent.c', '"ice/checklist.h"')
        self.refuses('src/pc/pump.c', '"ice/checklist.h"')

    def test_a_folder_of_a_room_is_private(self):
        self.accepts('src/sctp/usrsctp/send.c', '"sctp/usrsctp/hub.h"')
        self.accepts('src/sctp/usrsctp/send.c', '"sctp/queue.h"')
        self.refuses('src/sctp/queue.c', '"sctp/usrsctp/hub.h"')
        self.refuses('src/pc/pump.c', '"sctp/usrsctp/hub.h"')

    def test_io_and_json_are_customers(self):
        self.accepts('src/io/loop.c', '"kith/pc.h"')
        self.accepts('src/io/loop.c', '"base/heap.h"')
        self.refuses('src/io/loop.c', '"pc/pc.h"')
        self.refuses('src/io/loop.c', '"crypto/random.h"')
        self.refuses('src/json/description.c', '"io/loop.h"')

    def test_paths_are_written_from_the_top(self):
        self.refuses('src/ice/agent.c', '"checklist.h"')
        self.refuses('src/ice/agent.c', '"../wire/stun.h"')

    def test_foreign_libraries_stay_in_their_rooms(self):
        self.accepts('src/tls/bio.c', '<openssl/bio.h>')
        self.accepts('src/json/stats.c', '<jansson.h>')
        self.refuses('src/wire/stun.c', '<openssl/hmac.h>')
        self.refuses('src/io/loop.c', '<openssl/rand.h>')
        self.refuses('src/io/loop.c', '<jansson.h>')
        self.refuses('src/pc/pump.c', '<usrsctp.h>')
        self.accepts('src/sctp/usrsctp/send.c', '<usrsctp.h>')
        self.refuses('src/sctp/queue.c', '<usrsctp.h>')
        self.accepts('src/srtp/session.c', '<srtp2/srtp.h>')
        self.refuses('src/pc/pump.c', '<srtp2/srtp.h>')

    def test_sockets_clocks_and_threads_are_for_io(self):
        for header in ('<time.h>', '<sys/socket.h>', '<pthread.h>', '<threads.h>', '<unistd.h>'):
            self.accepts('src/io/loop.c', header)
            self.refuses('src/ice/agent.c', header)
        self.accepts('src/sctp/usrsctp/hub.c', '<pthread.h>')
        self.refuses('src/sctp/usrsctp/send.c', '<pthread.h>')
        self.accepts('src/srtp/library.c', '<pthread.h>')
        self.refuses('src/srtp/session.c', '<pthread.h>')

    def test_public_headers_stand_alone(self):
        self.accepts('include/kith/pc.h', '"kith/base.h"')
        self.refuses('include/kith/pc.h', '<sys/socket.h>')
        self.refuses('include/kith/pc.h', '"base/span.h"')

    def test_files_are_split_in_time(self):
        self.assertEqual(self.complaints('src/base/map.c', 'int x;\n' * 800), [])
        self.assertEqual(len(self.complaints('src/base/map.c', 'int x;\n' * 801)), 1)

    def test_an_example_can_be_read_at_once(self):
        self.assertEqual(self.complaints('docs/examples/chat.c', 'int x;\n' * 100), [])
        self.assertEqual(len(self.complaints('docs/examples/chat.c', 'int x;\n' * 101)), 1)

    def test_functions_stay_short(self):
        def function(length):
            return 'void f(void)\n{\n' + '    g();\n' * length + '}\n'
        self.assertEqual(self.complaints('tests/sim/net.c', function(100) * 2), [])
        self.assertEqual(len(self.complaints('tests/sim/net.c', function(5) + function(101))), 1)

    def test_lines_stay_within_a_hundred_columns(self):
        # Characters count, not bytes.
        self.assertEqual(self.complaints('src/base/map.c', 'x' * 99 + '…\n'), [])
        self.assertEqual(len(self.complaints('src/base/map.c', 'x' * 101 + '\n')), 1)

    def test_includes_stand_in_one_order(self):
        def file(*lines):
            return ''.join(f'#include {line}\n' for line in lines)
        good = ('"base/map.h"', '<assert.h>', '<string.h>', '"base/list.h"', '"kith/base.h"')
        self.assertEqual(self.complaints('src/base/map.c', file(*good)), [])
        self.assertEqual(len(self.complaints('src/base/map.c', file(*good[::-1]))), 1)

    def test_pointers_are_asked_in_one_way(self):
        self.assertEqual(self.complaints('src/base/map.c', 'bool b = !p;\n'), [])
        self.assertEqual(len(self.complaints('src/base/map.c', 'bool b = p == NULL;\n')), 1)
        self.assertEqual(len(self.complaints('tests/sim/duo.c', 'bool b = p != NULL;\n')), 1)


if __name__ == '__main__':
    unittest.main()
