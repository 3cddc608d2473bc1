#!/usr/bin/env python3
"""A connection that fails because its network is gone comes back when the network does: `kith peer` restarts ICE by
itself. Takes half a minute, after which consent is over (RFC 7675 section 5.1). To be run by netns.sh.

    outage.py KITH"""
import os
import subprocess
import sys
from pathlib import Path

os.environ['KITH'] = sys.argv[1]
sys.path.insert(0, str(Path(__file__).parent.parent / 'tools'))
import kit  # noqa: E402  (it reads KITH)

kit.LIMIT = 60


def rule(*words):
    for family in '-4', '-6':
        subprocess.run(['ip', family, 'rule', *words], check=True)


def main():
    # The local table comes first of all, so that nothing could be put before it.
    rule('add', 'pref', '100', 'lookup', 'local')
    rule('del', 'pref', '0')
    with kit.Pair() as pair:
        peers = pair.connect()
        rule('add', 'pref', '50', 'blackhole')
        kit.together(*(lambda peer=peer: peer.until(state='disconnected') for peer in peers))
        kit.together(*(lambda peer=peer: peer.until(state='connecting') for peer in peers))
        rule('del', 'pref', '50')
        kit.together(*(lambda peer=peer: peer.until(state='connected') for peer in peers))
        for peer in peers:
            peer.give({'text': 'back'})
        kit.together(*(lambda peer=peer: peer.until(text='back') for peer in peers))
        peers[0].end_input()
        assert [peer.wait() for peer in peers] == [0, 0], [peer.errors for peer in peers]
    print('outage: ok')


main()
