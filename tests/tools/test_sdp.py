#!/usr/bin/env python3
"""`kith sdp`: the tree of every captured description, and what is wrong with damaged ones.

    test_sdp.py KITH DATA      the tool, and tests/data
"""
import json
import subprocess
import sys
import unittest
from pathlib import Path

KITH, DATA = Path(sys.argv[1]), Path(sys.argv[2])
HEAD = 'v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'


def kith_sdp(*arguments, text=''):
    """(exit status, standard output, standard error)"""
    done = subprocess.run([KITH, 'sdp', *arguments], input=text.encode(), capture_output=True, timeout=30)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Sdp(unittest.TestCase):
    def test_every_capture_has_a_tree(self):
        captures = sorted((DATA / 'sdp').glob('*.sdp'))
        self.assertGreaterEqual(len(captures), 17)
        for path in captures:
            status, out, err = kith_sdp(path)
            self.assertEqual((status, err), (0, ''), path)
            lines = path.read_text().splitlines()
            sections = [line for line in lines if line.startswith('m=')]
            self.assertEqual([f'm={m["kind"]} {m["port"]} {m["protocol"]} {" ".join(m["formats"])}'
                              for m in json.loads(out)['media']], sections, path)

    def test_json_of_a_browser_is_taken(self):
        sdp = HEAD + 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n'
        status, out, _ = kith_sdp('--compact', text=json.dumps({'type': 'offer', 'sdp': sdp}))
        tree = json.loads(out)
        self.assertEqual((status, tree['type'], tree['media'][0]['mid']), (0, 'offer', '0'))
        self.assertEqual(out.count('\n'), 1)

    def test_the_wrong_line_is_named_and_shown(self):
        status, out, err = kith_sdp('-', text=HEAD + 'm=audio 9 RTP/AVP 200\r\n')
        self.assertEqual((status, out), (1, ''))
        self.assertIn('line 5: m= has "200" where a payload type', err)
        self.assertIn('\n    m=audio 9 RTP/AVP 200\n', err)

    def test_control_characters_do_not_reach_the_terminal(self):
        status, _, err = kith_sdp(text=HEAD + 'a=x:\x1b[31m\r\n')
        self.assertEqual(status, 1)
        self.assertIn('control character (0x1b)', err)
        self.assertNotIn('\x1b', err)

    def test_what_is_no_description_is_refused_in_words(self):
        for text, words in (('{"type":"offer"', 'no JSON'), ('{"type":"offer"}', 'member "sdp"'),
                            ('{"sdp":5}', 'member "sdp"'), ('', 'line 1: v= is missing'),
                            ('x' * 2000000, 'more than')):
            status, out, err = kith_sdp(text=text)
            self.assertEqual((status, out), (1, ''), text[:40])
            self.assertIn(words, err)
        status, _, err = kith_sdp(DATA / 'no such file')
        self.assertEqual(status, 1)
        self.assertIn('cannot open', err)

    def test_usage(self):
        self.assertEqual(kith_sdp('--help')[0], 0)
        self.assertIn('Usage: kith sdp', kith_sdp('--help')[1])
        self.assertEqual(kith_sdp('--nonsense')[0], 2)
        self.assertEqual(kith_sdp('a', 'b')[0], 2)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
