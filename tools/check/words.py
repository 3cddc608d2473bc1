#!/usr/bin/env python3
"""Identifiers are in the words of the field, not of the house.

    words.py [ROOT]

Prints each identifier below src, include and tools that has one of the words below as a part, and exits 1. What an
engineer of this field would say stands beside it.
"""
import re
import sys
from pathlib import Path

WORDS = {
    'told': 'reported, returned, delivered, signaled (RFC 8838)',
    'untold': 'pending',
    'telling': 'reporting',
    'doubt': 'unconfirmed',
    'doubtful': 'unconfirmed',
    'errand': 'request',
    'rouse': 'wake',
    'mortal': 'may expire',
    'undated': 'without a time',
    'fallen': 'failed',
}
# These still have some.
LEFT = ('src/rtp/', 'src/turn/', 'tools/kith/',
        *(f'src/pc/{name}' for name in ('frames.c', 'gather.c', 'media.c', 'relays.c', 'transport.h')))
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
IDENTIFIER = re.compile(r'[A-Za-z_]\w*')


def check(text):
    """The identifiers that have such a word."""
    names = set(IDENTIFIER.findall(NO_CODE.sub(' ', text)))
    return sorted(name for name in names if WORDS.keys() & set(name.lower().split('_')))


def files(root):
    for folder in ('src', 'include', 'tools'):
        for path in sorted((root / folder).rglob('*.[ch]')):
            if not str(path.relative_to(root)).startswith(LEFT):
                yield path


def main(root):
    assert check('int a_told; /* told */ f("told"); is_untold(x)') == ['a_told', 'is_untold']
    assert not check('int bold, retold; tell();')
    found = [(path.relative_to(root), name) for path in files(root) for name in check(path.read_text())]
    for path, name in found:
        words = [WORDS[word] for word in name.lower().split('_') if word in WORDS]
        print(f'{path}: {name}: say {words[0]}')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else '.')))
