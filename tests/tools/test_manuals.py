"""The manual of each command has every option that --help tells, and the other way round."""
import re
import unittest
from pathlib import Path

from kit import run

MANUALS = Path(__file__).parent / '..' / '..' / 'docs' / 'man'


class Manuals(unittest.TestCase):
    def test_every_option_is_in_both(self):
        for command in 'serve', 'peer', 'bench', 'sdp', 'turn':
            with self.subTest(command=command):
                told = set(re.findall(r'^ +--([a-z-]+)', run(command, '--help')[1], re.MULTILINE)) - {'help', 'version'}
                manual = (MANUALS / f'kith-{command}.1').read_text(encoding='utf-8')
                listed = set()
                for line in re.findall(r'^\.(?:It|Op) (Fl .*)', manual, re.MULTILINE):
                    listed.update(re.findall(r'Fl -([a-z-]+)', line))
                self.assertEqual(listed - {'help', 'version'}, told)


if __name__ == '__main__':
    unittest.main(verbosity=2)
