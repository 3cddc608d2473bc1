"""`kith peer --media` and `--record`: what one kith sends, the other one writes, frame by frame."""
import struct
import tempfile
import time
import unittest
from pathlib import Path

from kit import LIMIT, Pair, run, together

DATA = Path(__file__).parent.parent / 'data' / 'media'
VP8, OPUS = DATA / 'vp8.ivf', DATA / 'opus.ogg'


def ivf_frames(path):
    """(seconds, bytes) of each frame."""
    data, frames, at = path.read_bytes(), [], 32
    rate, scale = struct.unpack_from('<II', data, 16)
    while at < len(data):
        length, time = struct.unpack_from('<IQ', data, at)
        frames.append((time * scale / rate, data[at + 12:at + 12 + length]))
        at += 12 + length
    return frames


def ogg_packets(path):
    """Of pages that end with a packet; without the two headers."""
    data, packets, packet, at = path.read_bytes(), [], b'', 0
    while at < len(data):
        lacing = data[at + 27:at + 27 + data[at + 26]]
        at += 27 + len(lacing)
        for length in lacing:
            packet += data[at:at + length]
            at += length
            if length < 255:
                packets.append(packet)
                packet = b''
    return packets[2:]


def await_size(path, size):
    """Until the file is as long: it grows while it is played."""
    end = time.monotonic() + LIMIT
    while path.stat().st_size < size:
        assert time.monotonic() < end, f'{path} does not grow'
        time.sleep(0.05)


def times_of(frames):
    return [time - frames[0][0] for time, _ in frames]


class Media(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def play(self, offer, answer):
        """Plays to the end; the paths that were recorded, by the kind."""
        with Pair(offer=offer, answer=answer) as pair:
            self.end(pair)
            lines = pair.offerer.seen + pair.answerer.seen
            self.recorded = {obj['kind']: Path(obj['recording']) for obj in lines if 'recording' in obj}
            return {Path(obj['recorded']).name: obj['frames'] for obj in lines if 'recorded' in obj}

    def end(self, pair):
        self.assertEqual(together(pair.offerer.wait, pair.answerer.wait), [0, 0], pair.offerer.errors + pair.answerer.errors)

    def check_picture(self, path):
        sent, got = ivf_frames(VP8), ivf_frames(path)
        self.assertEqual([data for _, data in got], [data for _, data in sent])
        for before, after in zip(times_of(sent), times_of(got)):
            self.assertAlmostEqual(before, after, delta=0.0001)

    def test_a_file_that_is_offered_is_recorded_frame_by_frame(self):
        done = self.play(['--media', VP8, '--once'], ['--record', self.folder])
        self.assertEqual(done, {'0-video.ivf': 10})
        self.check_picture(self.folder / '0-video.ivf')

    def test_sound_and_picture_go_together_and_keep_step(self):
        done = self.play(['--media', OPUS, '--media', VP8, '--once'], ['--record', self.folder])
        self.assertEqual(done, {'0-audio.ogg': 66, '1-video.ivf': 10})
        self.check_picture(self.folder / '1-video.ivf')
        self.assertEqual(ogg_packets(self.folder / '0-audio.ogg'), ogg_packets(OPUS))

    def test_the_answerer_sends_what_the_offerer_records(self):
        done = self.play(['--record', self.folder], ['--media', VP8, '--once'])
        self.assertEqual(list(done.values()), [10])
        self.check_picture(self.recorded['video'])

    def test_either_side_sends_whatever_codec_the_file_is_of(self):
        for name in 'h264.264', 'pcma.wav', 'pcmu.wav', 'opus.ogg', 'vp8.ivf':
            for offers in True, False:
                with self.subTest(name, offers=offers):
                    sends, records = ['--media', DATA / name, '--once'], ['--record', self.folder]
                    done = self.play(*([sends, records] if offers else [records, sends]))
                    self.assertEqual(list(done.values()), [{'h264': 10, 'pcma': 25, 'pcmu': 25, 'opus': 66, 'vp8': 10}[name.split('.')[0]]])

    def test_files_begin_again_in_step_until_the_session_ends(self):
        with Pair(offer=['--media', VP8, '--media', OPUS], answer=['--record', self.folder]) as pair:
            pair.connect()
            if not any(obj.get('kind') == 'video' for obj in pair.answerer.seen):
                pair.answerer.until(kind='video')
            await_size(self.folder / '0-video.ivf', 2 * VP8.stat().st_size)
            pair.offerer.end_input()
            self.end(pair)
        sent, got = ivf_frames(VP8), ivf_frames(self.folder / '0-video.ivf')
        self.assertEqual([data for _, data in got[:20]], 2 * [data for _, data in sent])
        # the sound is the longer of the two
        self.assertAlmostEqual(times_of(got)[10], 1.32, delta=0.001)

    def test_recordings_have_names_of_their_own(self):
        (self.folder / '0-video.ivf').write_bytes(b'there')
        self.play(['--media', VP8, '--once'], ['--record', self.folder])
        self.assertEqual((self.folder / '0-video.ivf').read_bytes(), b'there')
        self.check_picture(self.folder / '0-video-2.ivf')

    def test_what_cannot_be_sent_is_explained_at_once(self):
        text, cut, wav = (self.folder / name for name in ('text.ivf', 'empty.ivf', 'pcm.wav'))
        text.write_text('this is a text')
        cut.write_bytes(VP8.read_bytes()[:32])
        wav.write_bytes(b'RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\2\0\x44\xac\0\0\0\0\0\0\4\0\x10\0data\0\0\0\0')
        for args, words in ((['--media', 'missing.ivf'], 'missing.ivf: No such file'),
                            (['--media', self.folder], 'Is a directory'),
                            (['--media', text], 'ffmpeg -i FILE'),
                            (['--media', cut], 'no frame in it'),
                            (['--media', wav], '-ac 1 -ar 8000 -c:a pcm_alaw'),
                            (['--record', 'missing'], '--record missing is not a directory'),
                            (['--once'], '--once is about --media'),
                            (17 * ['--media', VP8], 'at most 16 times --media')):
            status, _, errors = run('peer', 'offer', *map(str, args))
            self.assertEqual(status, 2, args)
            self.assertIn(words, errors)
            self.assertEqual(errors.count('\n'), 1)


if __name__ == '__main__':
    unittest.main()
