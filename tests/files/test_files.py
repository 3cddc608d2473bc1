#!/usr/bin/env python3
"""Files that FFmpeg makes are read, and FFmpeg takes what is written: the same packets, decoded without a word.

    test_files.py COPY
"""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

COPY = sys.argv.pop(1)
PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=96x64:rate=25:duration=1']
TONE = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=1']
H264 = ['-c:v', 'libx264', '-profile:v', 'baseline', '-g', '20']
# Two pictures of another size each, one stream: what a camera sends that adapts.
RESIZED = [*PICTURE, '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=1']
FILES = {
    'vp8.ivf': [*PICTURE, '-c:v', 'libvpx', '-b:v', '300k', '-g', '20'],
    'of_odd_rate.ivf': ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=30000/1001:duration=1', '-c:v', 'libvpx'],
    'stereo.ogg': [*TONE, '-ac', '2', '-c:a', 'libopus', '-b:a', '64k'],
    'of_60_ms.ogg': [*TONE, '-c:a', 'libopus', '-b:a', '64k', '-frame_duration', '60'],
    'of_2_5_ms.opus': [*TONE, '-c:a', 'libopus', '-application', 'lowdelay', '-frame_duration', '2.5'],
    'baseline.h264': [*PICTURE, *H264],
    'of_slices.h264': [*PICTURE, *H264, '-x264-params', 'slices=4:repeat-headers=1'],
    'pcma.wav': [*TONE, '-ac', '1', '-ar', '8000', '-c:a', 'pcm_alaw'],
    'pcmu.wav': [*TONE, '-ac', '1', '-ar', '8000', '-c:a', 'pcm_mulaw'],
}


def ffmpeg(*args):
    done = subprocess.run(['ffmpeg', '-nostdin', '-v', 'error', '-xerror', *args], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done


def decoded(path, *how):
    """A checksum of each frame that FFmpeg decodes, without a word about an error."""
    done = ffmpeg('-i', path, *how, '-f', 'framemd5', '-')
    assert not done.stderr, done.stderr
    return [line.split(',')[5] for line in done.stdout.splitlines() if line[0] != '#']


def packets(path, entries):
    return subprocess.run(['ffprobe', '-v', 'error', '-show_entries', f'packet={entries}', '-of', 'csv=p=0', path],
                          capture_output=True, text=True, check=True).stdout.replace(',', ' ').split()


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def copy(self, source):
        target = self.folder / f'copy.{source.suffix[1:]}'
        done = subprocess.run([COPY, source, target], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''), source)
        return target

    def test_ffmpeg_decodes_of_a_copy_what_it_decodes_of_the_file(self):
        for name, how in FILES.items():
            with self.subTest(name):
                source = self.folder / name
                ffmpeg(*how, '-flags', '+bitexact', '-fflags', '+bitexact', source)
                target = self.copy(source)
                # What a decoder of Opus drops at the beginning is the encoder's, and a copy has two channels always.
                how = ['-c', 'copy'] if source.suffix in ('.ogg', '.opus') else []
                self.assertEqual(decoded(target, *how), decoded(source, *how))
                decoded(target)

    def test_times_are_kept(self):
        for name in 'vp8.ivf', 'of_odd_rate.ivf', 'of_60_ms.ogg':
            with self.subTest(name):
                source = self.folder / name
                ffmpeg(*FILES[name], source)
                times = [[float(time) for time in packets(path, 'pts_time')] for path in (source, self.copy(source))]
                self.assertEqual(len(times[0]), len(times[1]))
                for before, after in zip(*times):
                    self.assertAlmostEqual(before, after, delta=0.0001)

    def test_a_picture_may_change_its_size(self):
        first, second = self.folder / 'first.h264', self.folder / 'second.h264'
        ffmpeg(*RESIZED[:4], *H264, first)
        ffmpeg(*RESIZED[4:], *H264, second)
        source = self.folder / 'both.h264'
        source.write_bytes(first.read_bytes() + second.read_bytes())
        self.assertEqual(len(packets(self.copy(source), 'size')), 50)
        self.assertEqual(decoded(self.copy(source)), decoded(source))


if __name__ == '__main__':
    if not shutil.which('ffmpeg'):
        print('skipped: there is no ffmpeg')
        sys.exit(77)
    unittest.main()
