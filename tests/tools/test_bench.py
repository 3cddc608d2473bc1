"""`kith bench` at tiny sizes: the shape of its output, not the speed of the machine."""
import json
import unittest

from kit import run

TINY = ['--milliseconds', '50', '--connections', '2', '--round-trips', '10', '--pairs', '2']
MEMBERS = {
    'throughput': {'bench', 'message_bytes', 'seconds', 'MB_per_s', 'cpu_s_per_GB'},
    'setup': {'bench', 'connections', 'median_ms', 'p95_ms', 'cpu_ms_per_connection'},
    'latency': {'bench', 'round_trips', 'median_us', 'p99_us'},
    'memory': {'bench', 'pairs', 'kB_per_pair'},
    'fairness': {'bench', 'pairs', 'MB', 'most_kB', 'least_kB', 'cpu_s_per_GB'},
    'idle': {'bench', 'pairs', 'seconds', 'wakeups_per_s', 'cpu_ms_per_s'},
    'rtp': {'bench', 'profile', 'packet_bytes', 'packets_per_s', 'cpu_s_per_million', 'lost_percent', 'allocations'},
    'frames': {'bench', 'frames', 'frame_bytes', 'median_us', 'p99_us', 'cpu_percent', 'allocations'},
    'streams': {'bench', 'streams', 'kB_per_stream'},
    'srtp': {'bench', 'profile', 'packet_bytes', 'protect_us', 'unprotect_us'},
    'turn': {'bench', 'server', 'batch', 'packets_per_s', 'cpu_us_per_packet', 'lost_percent'},
}


class Bench(unittest.TestCase):
    # A figure that may be 0, or less than that.
    LOW = {'cpu_ms_per_connection', 'kB_per_pair', 'cpu_s_per_GB', 'least_kB', 'cpu_s_per_million', 'lost_percent', 'cpu_percent',
           'allocations', 'kB_per_stream'}

    def objects(self, name):
        status, out, errors = run('bench', name, '--json', *TINY)
        self.assertEqual((status, errors), (0, ''))
        return [json.loads(line) for line in out.splitlines()]

    def test_each_benchmark_prints_its_figures(self):
        for name in 'throughput', 'setup', 'latency', 'memory', 'fairness', 'idle', 'srtp', 'media', 'turn':
            for result in self.objects(name):
                self.assertIn(result['bench'], ('rtp', 'frames', 'streams') if name == 'media' else (name,))
                self.assertEqual(set(result), MEMBERS[result['bench']])
                for key, value in result.items():
                    if key not in ('bench', 'profile', 'server', *self.LOW):
                        self.assertGreater(value, 0, key)

    def test_media_tells_the_profile_of_srtp(self):
        self.assertEqual(self.objects('media')[0]['profile'], 'SRTP_AEAD_AES_128_GCM')

    def test_throughput_takes_three_sizes(self):
        self.assertEqual([result['message_bytes'] for result in self.objects('throughput')], [1024, 16384, 65536])

    def test_fairness_compares_one_pair_with_many(self):
        self.assertEqual([result['pairs'] for result in self.objects('fairness')], [1, 2])

    def test_srtp_takes_every_profile(self):
        self.assertEqual([result['profile'] for result in self.objects('srtp')],
                         ['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM', 'AES128_CM_HMAC_SHA1_80'])

    def test_all_runs_all(self):
        self.assertEqual({result['bench'] for result in self.objects('all')}, set(MEMBERS))

    def test_without_json_it_speaks_in_words(self):
        status, out, _ = run('bench', 'latency', *TINY)
        self.assertEqual(status, 0)
        self.assertIn('latency', out)
        self.assertIn('median_us', out)

    def test_bad_options_are_explained(self):
        for args, words in (([], 'which benchmark'), (['speed'], 'speed'), (['setup', 'latency'], 'which benchmark'),
                            (['setup', '--connections', '0'], '--connections'), (['setup', '--pairs', 'x'], '"x"'),
                            (['memory', '--pairs', '9999999999999999999'], '--pairs')):
            status, _, errors = run('bench', *args)
            self.assertEqual(status, 2, args)
            self.assertIn(words, errors)


if __name__ == '__main__':
    unittest.main(verbosity=2)
