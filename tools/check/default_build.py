#!/usr/bin/env python3
"""Who only builds kith gets the library and the command: no test, no example, no warning of meson's.

    default_build.py MESON SOURCE"""
import json
import subprocess
import sys
import tempfile

WANTED = {'kith', 'usrsctp', 'srtp2', 'web_page.c'}


def main(meson, source):
    with tempfile.TemporaryDirectory() as build:
        said = subprocess.run([meson, 'setup', build, source], capture_output=True, text=True, check=True)

        def introspect(what):
            return json.loads(subprocess.run([meson, 'introspect', what, build], capture_output=True, check=True).stdout)

        extra = {target['name'] for target in introspect('--targets')} - WANTED
        warnings = [line for line in (said.stdout + said.stderr).splitlines() if 'WARNING' in line]
        assert not extra, f'a default build also makes {sorted(extra)}'
        assert not introspect('--tests'), 'a default build has tests'
        assert not warnings, '\n'.join(warnings)


main(*sys.argv[1:])
