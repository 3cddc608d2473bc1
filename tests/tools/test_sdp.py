"""`kith sdp` on descriptions of browsers and on damaged ones."""
import glob
import json
import os
import unittest

from kit import run

CAPTURED = sorted(glob.glob(os.path.join(os.path.dirname(__file__), '..', 'data', 'sdp', '*.sdp')))


def read(path):
    with open(path, encoding='utf-8', newline='') as file:
        return file.read()


class Good(unittest.TestCase):
    def test_every_captured_description_becomes_json(self):
        self.assertGreater(len(CAPTURED), 10)
        for path in CAPTURED:
            status, out, errors = run('sdp', path)
            self.assertEqual((status, errors), (0, ''), path)
            sections = sum(line.startswith('m=') for line in read(path).splitlines())
            self.assertEqual(len(json.loads(out)['media']), sections, path)

    def test_standard_input_and_the_json_of_a_browser_are_read(self):
        text = read(CAPTURED[0])
        expected = json.loads(run('sdp', CAPTURED[0])[1])
        self.assertEqual(json.loads(run('sdp', stdin=text)[1]), expected)
        self.assertEqual(json.loads(run('sdp', '-', stdin=text)[1]), expected)
        status, out, _ = run('sdp', '--compact', stdin=json.dumps({'type': 'answer', 'sdp': text}))
        self.assertEqual(status, 0)
        self.assertEqual(out.count('\n'), 1)
        self.assertEqual(json.loads(out)['media'], expected['media'])


class Bad(unittest.TestCase):
    def refuse(self, text, words):
        status, out, errors = run('sdp', stdin=text)
        self.assertEqual((status, out), (1, ''))
        self.assertIn(words, errors)

    def test_a_bad_line_is_named(self):
        good = read(os.path.join(os.path.dirname(CAPTURED[0]), 'chromium156-default-data-offer.sdp'))
        lines = good.splitlines()
        for number, line in enumerate(lines, start=1):
            if line.startswith(('m=', 'o=', 'a=sctp-port', 'a=fingerprint')):
                damaged = [*lines[:number - 1], line.split('=')[0] + '=' + line.split('=')[1][:11] + ' \u0001', *lines[number:]]
                self.refuse('\r\n'.join(damaged) + '\r\n', f'line {number}:')

    def test_a_line_that_is_left_out_is_named_with_its_reason(self):
        good = read(os.path.join(os.path.dirname(CAPTURED[0]), 'chromium156-default-data-offer.sdp'))
        lines = good.splitlines()
        number = next(i for i, line in enumerate(lines) if line.startswith('c=')) + 2
        status, out, errors = run('sdp', stdin='\r\n'.join([*lines[:number - 1], 'b=AS:x', *lines[number - 1:]]) + '\r\n')
        said = json.loads(out)
        self.assertEqual((status, said.pop('ignoredLines')), (0, 1))
        self.assertEqual([remark['line'] for remark in said.pop('remarks')], [number])
        self.assertEqual(said, json.loads(run('sdp', stdin=good)[1]))
        self.assertIn(f'line {number} is left out: ', errors)
        self.assertIn('b=AS:x', errors)

    def test_what_spoils_a_section_is_named_with_its_reason(self):
        good = read(os.path.join(os.path.dirname(CAPTURED[0]), 'chromium156-default-data-offer.sdp'))
        lines = good.splitlines()
        number = next(i for i, line in enumerate(lines) if line.startswith('a=setup:')) + 2
        status, out, errors = run('sdp', stdin='\r\n'.join([*lines[:number - 1], 'a=setup:both', *lines[number - 1:]]) + '\r\n')
        self.assertEqual((status, json.loads(out)['remarks'][0]['line']), (0, number))
        self.assertIn(f'line {number} is left out: ', errors)
        self.assertIn('a=setup:both', errors)
        section = next(i for i, line in enumerate(lines) if line.startswith('m=')) + 1
        self.assertIn(f'the section of line {section} cannot be used: line {number}: ', errors)

    def test_what_is_no_description_is_refused(self):
        for text in '', 'v=1\r\n', '{}', '{"sdp":5}', 'hello', '\u0000', '[' * 100000:
            status, _, errors = run('sdp', stdin=text)
            self.assertEqual(status, 1, text[:20])
            self.assertTrue(errors.startswith('kith sdp: '), errors)

    def test_bad_options_are_explained(self):
        for args, status, words in ((['--what'], 2, '--what'), (['a', 'b'], 2, 'one FILE'), (['/nonexistent'], 1, '/nonexistent')):
            got, _, errors = run('sdp', *args)
            self.assertEqual(got, status)
            self.assertIn(words, errors)


if __name__ == '__main__':
    unittest.main(verbosity=2)
