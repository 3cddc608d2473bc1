#!/usr/bin/env python3
"""The rules of the house that a compiler does not know.

    floors.py [ROOT]

Every room of src/ includes downward only and enters another engine by its one door; a foreign library
stays in its room; neither files nor functions grow without end. Prints what breaks a rule and exits 1.
"""
import re
import sys
from pathlib import Path

FLOORS = {'base': 0, 'crypto': 1, 'wire': 2, 'ice': 3, 'turn': 3, 'tls': 3, 'srtp': 3, 'rtp': 3, 'sctp': 3, 'media': 3,
          'pc': 4, 'turn_server': 4, 'nat': 4, 'json': 5, 'files': 5, 'signal': 5, 'io': 5, 'signaler': 6}
# The customers of the public API: they see include/kith and base, and not each other. What frames begin with is
# read in one place, in wire.
CUSTOMERS = {'json': {'base'}, 'io': {'base'}, 'signal': {'base'}, 'files': {'base', 'wire'}, 'signaler': set()}
# The header, or the two, by which the floors above enter an engine; base, crypto and wire are open.
DOORS = {'ice': 'ice/ice.h', 'turn': 'turn/turn.h', 'tls': 'tls/dtls.h, tls/messages.h, tls/stream.h', 'srtp': 'srtp/srtp.h', 'rtp': 'rtp/rtp.h',
         'sctp': 'sctp/sctp.h', 'media': 'media/media.h', 'pc': 'pc/pc.h'}

C_LIBRARY = {f'{name}.h' for name in (
    'assert ctype errno inttypes limits math stdarg stdatomic stdbool stddef stdint stdio stdlib string'
).split()}
# What public headers may include.
FREESTANDING = {'stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h'}
# Foreign libraries by the beginning of their headers' names, and the rooms they live in. What is
# neither C nor one of these is the operating system, whose room is io.
FOREIGN = {'openssl/': {'crypto', 'tls'}, 'srtp2/': {'srtp'}, 'usrsctp': {'sctp/usrsctp'}, 'jansson': {'json', 'signaler'},
           'libwebsockets': {'signaler'}}
SYSTEM = {'io', 'signaler'}
# Single files that need one thing more, and what for.
EXCEPTIONS = {
    'crypto/random.c': {'unistd.h'},         # getpid: a forked child draws numbers of its own
    'sctp/usrsctp/hub.c': {'pthread.h'},     # the global state, behind its mutex
    'sctp/usrsctp/memory.c': {'pthread.h'},  # and the reserve of usrsctp's allocator
    'srtp/library.c': {'pthread.h'},         # libsrtp2 is initialised once, behind its mutex
    'sctp/crc32c.c': {'nmmintrin.h', 'arm_acle.h'},  # the CRC instructions
    'tls/timer.c': {'sys/time.h'},           # struct timeval, which OpenSSL's timer speaks
}

MAX_FILE = 800
MAX_EXAMPLE = 100
MAX_FUNCTION = 100
MAX_WIDTH = 100

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def judge_own(name, target):
    """Why the file `name` may not include the project's header `target`; None if it may."""
    room, other = name.split('/')[0], target.split('/')[0]
    if other == room and target.count('/') > 1 and not name.startswith(target.rsplit('/', 1)[0] + '/'):
        return 'is private to its folder'
    if other in ('kith', room):
        return None
    if other not in FLOORS:
        return 'is in no room (write paths from src/ or include/)'
    if room in CUSTOMERS:
        seen = CUSTOMERS[room]
        return None if other in seen else f'is hidden: this room sees {", ".join(["include/kith", *sorted(seen)])} only'
    if FLOORS[other] >= FLOORS[room]:
        return 'is not below'
    if other in DOORS and target not in DOORS[other].split(', '):
        return f'is inside another room, whose door is {DOORS[other]}'
    return None


def judge_foreign(name, target):
    """The same for a header in angle brackets; `name` is the file's path below src/."""
    if target in C_LIBRARY or target in EXCEPTIONS.get(name, ()):
        return None
    rooms = next((rooms for start, rooms in FOREIGN.items() if target.startswith(start)), SYSTEM)
    return None if name.startswith(tuple(f'{room}/' for room in rooms)) else f'belongs into {", ".join(sorted(rooms))}'


def check_includes(root):
    for path in sorted(root.glob('src/*/**/*.[ch]')):
        name = path.relative_to(root / 'src').as_posix()
        room = name.split('/')[0]
        if room not in FLOORS:
            yield f'src/{name}: no such room: {room}'
            continue
        for bracket, target in INCLUDE.findall(path.read_text()):
            why = judge_own(name, target) if bracket == '"' else judge_foreign(name, target)
            if why:
                yield f'src/{name}: {target} {why}'
    for path in sorted(root.glob('include/**/*.h')):
        for bracket, target in INCLUDE.findall(path.read_text()):
            if target not in FREESTANDING and not target.startswith('kith/'):
                yield f'{path.relative_to(root)}: {target} in a public header'


def functions(lines):
    """(first line, length) of every function: their braces stand alone at the margin."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            yield start, number - start - 1
            start = None


def c_files(root):
    for top in ('src', 'include', 'tools', 'tests', 'docs'):
        for path in sorted((root / top).glob('**/*.[ch]')):
            if 'node_modules' not in path.parts:
                yield path.relative_to(root), path.read_text().splitlines()


def check_sizes(root):
    for name, lines in c_files(root):
        limit = MAX_EXAMPLE if name.match('docs/examples/*.c') else MAX_FILE
        if len(lines) > limit:
            yield f'{name}: {len(lines)} lines; at most {limit}: split it by concern'
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_WIDTH:
                yield f'{name}:{number}: {len(line)} columns; at most {MAX_WIDTH}'
        for start, length in functions(lines):
            if length > MAX_FUNCTION:
                yield f'{name}:{start}: a function of {length} lines; at most {MAX_FUNCTION}'


# One way to say a thing (docs/conventions.md).
DIALECT = (
    (re.compile(r'[!=]= NULL\b'), 'write !p, not p == NULL'),
    (re.compile(r'\bif \(!?err\)'), 'write err != KITH_OK'),
)


def include_rank(own, line):
    """Own header, C and system, foreign libraries, the house."""
    target = line.split()[1]
    if target == own:
        return 0, target
    if target.startswith('"'):
        return 3, target
    return (2 if target[1:].startswith(tuple(FOREIGN)) else 1), target


def check_dialect(root):
    for name, lines in c_files(root):
        for number, line in enumerate(lines, 1):
            for pattern, words in DIALECT:
                if pattern.search(line):
                    yield f'{name}:{number}: {words}'


def check_include_order(root):
    for path in sorted(root.glob('src/*/**/*.[ch]')):
        name, text = path.relative_to(root), path.read_text()
        own = f'"{path.relative_to(root / "src").as_posix()[:-2]}.h"' if path.suffix == '.c' else None
        block = re.split(r'^#if (?!.*_H$)', text, maxsplit=1, flags=re.M)[0]
        ranks = [include_rank(own, line) for line in re.findall(r'^#include .*', block, re.M)]
        if ranks != sorted(ranks):
            yield f'{name}: order of includes: own header, C and system, foreign, the house; each sorted'


def check(root):
    return [*check_includes(root), *check_sizes(root), *check_dialect(root), *check_include_order(root)]


if __name__ == '__main__':
    complaints = check(Path(sys.argv[1] if len(sys.argv) > 1 else '.'))
    print(*complaints, sep='\n', end='\n' if complaints else '')
    sys.exit(1 if complaints else 0)
