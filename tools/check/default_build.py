#!/usr/bin/env python3
"""Who only builds kith gets the libraries and the command: no test, no example, no warning of meson's or the compiler's.

    default_build.py MESON SOURCE BUILD

BUILD is made, or used again with what it has compiled already."""
import json
import subprocess
import sys
from pathlib import Path

WANTED = {'kith', 'kith-signal', 'usrsctp', 'srtp2', 'web_page.c'}


def main(meson, source, build):
    again = ['--reconfigure'] if (Path(build) / 'build.ninja').exists() else []
    # A warning of the compiler's as an error, or it would be seen once and never again.
    said = subprocess.run([meson, 'setup', *again, '-Dwerror=true', build, source], capture_output=True, text=True,
                          check=True)

    def introspect(what):
        return json.loads(subprocess.run([meson, 'introspect', what, build], capture_output=True, check=True).stdout)

    extra = {target['name'] for target in introspect('--targets')} - WANTED
    warnings = [line for line in (said.stdout + said.stderr).splitlines() if 'WARNING' in line]
    assert not extra, f'a default build also makes {sorted(extra)}'
    assert not introspect('--tests'), 'a default build has tests'
    assert not warnings, '\n'.join(warnings)
    compiled = subprocess.run([meson, 'compile', '-C', build], capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr


main(*sys.argv[1:])
