#!/usr/bin/env python3
"""Writes the files of the web page as C arrays: embed.py OUTPUT FILE..."""
import os
import sys

TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
}


def c_array(data):
    rows = (data[i:i + 24] for i in range(0, len(data), 24))
    return ',\n'.join('    ' + ','.join(str(byte) for byte in row) for row in rows)


def main(output, *paths):
    with open(output, 'w', encoding='ascii') as c:
        c.write('/* Made from tools/kith/web by embed.py. */\n#include "serve.h"\n\n')
        sizes = []
        for number, path in enumerate(paths):
            with open(path, 'rb') as file:
                data = file.read()
            sizes.append(len(data))
            c.write(f'static const unsigned char file_{number}[] = {{\n{c_array(data)},\n}};\n\n')
        c.write('const struct web_file web_files[] = {\n')
        for number, path in enumerate(paths):
            name = os.path.basename(path)
            kind = TYPES[os.path.splitext(name)[1]]
            c.write(f'    {{"/{name}", "{kind}", file_{number}, {sizes[number]}}},\n')
        c.write(f'}};\nconst size_t web_file_count = {len(paths)};\n')


main(*sys.argv[1:])
