#!/usr/bin/env python3
"""The rules of the public headers that a compiler does not know.

    api.py [ROOT]

Each function has a comment of its own, directly above it. A struct that a program makes begins with its
size, or has it at a fixed place and says what a size of 0 is, or its comment says "Never grows"; an array of structs in another one has a field that says how
long an element is: so a library that grows serves programs compiled before. Prints what breaks a rule
and exits 1.
"""
import re
import sys
from pathlib import Path

STRUCT = re.compile(r'(/\*(?:(?!\*/).)*\*/\n)?typedef struct (kith_\w+) \{\n(.*?)\n\} \2;', re.S)
DECLARATION = re.compile(r'^KITH_API\b[^;]*;', re.M)
COMMENT = re.compile(r'/\*.*?\*/', re.S)
# A size that is not the first field: a struct of the first version may be written without it.
ZERO_SIZE = re.compile(r'/\* [^/]*; 0: nothing stands behind it \*/\n    size_t size;')
# A parameter or a field that is a pointer to one struct, not to a pointer that is filled.
POINTER = re.compile(r'\b(kith_\w+) \*(?!\*|const \*)')


def check_comments(text):
    lines = text.splitlines()
    for above, line in zip([''] + lines, lines):
        if line.startswith('KITH_API') and not above.endswith('*/'):
            yield f'{line}: a comment of its own belongs directly above'
        if re.search(r';\s*/\*', line):
            yield f'{line}: the comment belongs above'


def check_growth(text):
    structs = {name: (comment or '', fields) for comment, name, fields in STRUCT.findall(text)}
    sized = {name for name, (_, fields) in structs.items()
             if COMMENT.sub('', fields).split()[:2] == ['size_t', 'size;'] or ZERO_SIZE.search(fields)}
    # What kith alone makes has the library's size, also when it comes back.
    fixed = {name for name, (comment, _) in structs.items()
             if re.search('Never grows|Only kith makes one', re.sub(r'\s*\n \* ', ' ', comment))}
    taken = set()
    for declaration in DECLARATION.findall(COMMENT.sub('', text)):
        taken |= set(POINTER.findall(declaration.split('(', 1)[1]))
    for name in structs:
        if name in taken and name not in sized | fixed:
            yield f'{name}: a function takes it; let it begin with its size, or say that it never grows or that only kith makes one'
    for name in sized:
        fields = COMMENT.sub('', structs[name][1])
        for other, field in re.findall(r'const (kith_\w+) \*(\w+);', fields):
            length = f'size_t {field.removesuffix("s")}_size;'
            if other in structs and other not in fixed and length not in fields:
                yield f'{name}.{field}: an array of structs that may grow needs {length}'


def check(text):
    """Complaints about the text of all public headers."""
    return [*check_comments(text), *sorted(check_growth(text))]


if __name__ == '__main__':
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else '.') / 'include' / 'kith'
    complaints = check('\n'.join(path.read_text() for path in sorted(folder.glob('*.h'))))
    print(*complaints, sep='\n', end='\n' if complaints else '')
    sys.exit(1 if complaints else 0)
