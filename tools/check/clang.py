#!/usr/bin/env python3
"""clang reads what gcc compiles, and has no warning either.

    clang.py BUILD

Every file of ours in compile_commands.json, once, with its own options. Exit status 77 (skipped) where there
is no clang.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def commands(build):
    """(folder, arguments) of each source file below src, tests, tools and docs."""
    seen = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        if not entry['file'].startswith('../') or '/subprojects/' in entry['file']:
            continue
        arguments = shlex.split(entry['command'])
        # What is before the first option is the compiler, perhaps with ccache in front of it.
        first = next(i for i, argument in enumerate(arguments) if argument.startswith('-'))
        seen.setdefault(entry['file'], (entry['directory'], arguments[first:]))
    return seen.values()


def complaints(clang, directory, arguments):
    result = subprocess.run([clang, *arguments, '-Werror', '-fsyntax-only'], cwd=directory, capture_output=True,
                            text=True, check=False)
    return result.stderr if result.returncode else ''


def main(build):
    clang = next(filter(None, map(shutil.which, ('clang-14', 'clang'))), None)
    if not clang:
        print('clang: skipped, there is none here (Debian: apt install clang-14)')
        sys.exit(77)
    jobs = list(commands(Path(build)))
    assert jobs, f'nothing to read in {build}'
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = ''.join(pool.map(lambda job: complaints(clang, *job), jobs))
    print(found or f'clang has no warning in {len(jobs)} files')
    sys.exit(1 if found else 0)


main(sys.argv[1])
