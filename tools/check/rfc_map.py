#!/usr/bin/env python3
"""Does everything that docs/rfc-map.md names exist?

    rfc_map.py [ROOT]

Files are named as `path`, tests as `path: function`. Prints what is missing and exits 1.
"""
import re
import sys
from pathlib import Path

NAMED = re.compile(r'`((?:src|tests|tools|include|docs)/[^`: ]+)(?:: (\w+))?`')


def missing(root):
    for number, line in enumerate((root / 'docs/rfc-map.md').read_text().splitlines(), 1):
        for name, function in NAMED.findall(line):
            path = root / name
            if not path.exists():
                yield f'docs/rfc-map.md:{number}: there is no {name}'
            elif function and not re.search(rf'\b{function}\b', path.read_text()):
                yield f'docs/rfc-map.md:{number}: {name} has no {function}'


if __name__ == '__main__':
    complaints = list(missing(Path(sys.argv[1] if len(sys.argv) > 1 else '.')))
    print(*complaints, sep='\n', end='\n' if complaints else '')
    sys.exit(1 if complaints else 0)
