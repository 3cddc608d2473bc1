"""The manual of each command has every option that --help tells, and the other way round; so with the lines of JSON of
`kith peer` and the addresses of `kith serve`."""
import re
import unittest
from pathlib import Path

from kit import run

MANUALS = Path(__file__).parent / '..' / '..' / 'docs' / 'man'


class Manuals(unittest.TestCase):
    def test_every_option_is_in_both(self):
        for command in 'serve', 'peer', 'bench', 'sdp', 'turn', 'doctor':
            with self.subTest(command=command):
                told = set(re.findall(r'^ +--([a-z-]+)', run(command, '--help')[1], re.MULTILINE)) - {'help', 'version'}
                manual = (MANUALS / f'kith-{command}.1').read_text(encoding='utf-8')
                listed = set()
                for line in re.findall(r'^\.(?:It|Op) (Fl .*)', manual, re.MULTILINE):
                    listed.update(re.findall(r'Fl -([a-z-]+)', line))
                self.assertEqual(listed - {'help', 'version'}, told)

    def check_items(self, command, in_manual, in_help):
        manual = (MANUALS / f'kith-{command}.1').read_text(encoding='utf-8')
        items = '\n'.join(re.findall(r'^\.It (.*)', manual, re.MULTILINE))
        listed, told = set(re.findall(in_manual, items)), set(re.findall(in_help, run(command, '--help')[1]))
        self.assertEqual(listed, told)
        self.assertGreater(len(told), 2)

    def test_every_line_of_json_is_in_both(self):
        self.check_items('peer', r'{"(\w+)":', r'{"(\w+)":')

    def test_every_address_of_the_page_is_in_both(self):
        self.check_items('serve', r'Pa /\??(\w+)', r'HOST/\??(\w+)')

    def test_what_is_shown_to_be_typed_keeps_its_quotes(self):
        for manual in MANUALS.glob('*.1'):
            for line in manual.read_text(encoding='utf-8').splitlines():
                # mdoc(7): a quote that begins an argument of a macro is not printed.
                if line.startswith(('.Dl', '.D1', '.It', '.Li')):
                    self.assertNotRegex(line, r' "', manual.name)


if __name__ == '__main__':
    unittest.main(verbosity=2)
