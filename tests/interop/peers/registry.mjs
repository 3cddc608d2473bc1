// The peers of the table: how each is started, and the reasons for cells that are not ok:
//
//     { missing(): what is not installed, or undefined; open(): a lab whose start() makes an agent; cannot, faults }
//
// `cannot`: what the peer has not, and is not tried; `faults`: what it does wrong, at times or always. Both are lists of
// { checks: of these names (checks.mjs), roles: of kith; both unless said, why: for the legend }; a fault also says by which
// `error` it shows: any other is kith's.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BrowserLab } from './browser.mjs';
import { JanusLab } from './janus.mjs';
import { Peer } from '../lib/peer.mjs';

const agents = fileURLToPath(new URL('agents/', import.meta.url));
// Where tools/setup.sh puts the agents that are compiled.
const built = fileURLToPath(new URL('../../../build-peers/bin/', import.meta.url));

// A peer whose every connection is a process of its own.
class Processes {
  constructor(command, ...args) {
    this.command = command;
    this.args = args;
  }

  async start({ trickle }) {
    const agent = new Peer(this.command, ...this.args, ...(trickle ? [] : ['--no-trickle']));
    await agent.take('ready', object => 'ready' in object);
    return agent;
  }

  async close() {}
}

function npmPackage(name, library) {
  const require = createRequire(import.meta.url);
  return {
    missing() {
      try {
        require.resolve(name);
      } catch {
        return `npm package ${name} (npm ci in tests/interop)`;
      }
    },
    open: () => new Processes(process.execPath, `${agents}node.mjs`, library),
  };
}

function program(name, setup) {
  return {
    missing: () => (fs.existsSync(built + name) ? undefined : `${name} is not built (${setup})`),
    open: () => new Processes(built + name),
  };
}

const aiortc = {
  missing() {
    const found = spawnSync('/usr/bin/python3', ['-c', 'import aiortc']).status === 0;
    return found ? undefined : 'Debian package python3-aiortc';
  },
  open: () => new Processes('/usr/bin/python3', `${agents}aiortc-agent.py`),
};

// The last step of a check did not happen, and kith's connection stood all the while.
const silent = (what, milliseconds) =>
  new RegExp(`^${what}: nothing within ${milliseconds} ms .*; ours was connecting, connected;`, 's');

// The same of a peer that is gone without a word, which kith may have missed by then.
const vanished = new RegExp('^the peer to exit: nothing within 5000 ms .*; ours was connecting, connected(, disconnected)?;', 's');

const noRestart = why => ({ checks: /^ICE restart/, why });

export const peers = {
  chromium: {
    ...BrowserLab.peer('chromium'),
  },
  firefox: {
    ...BrowserLab.peer('firefox'),
  },
  libwebrtc: {
    ...npmPackage('@roamhq/wrtc', 'libwebrtc'),
  },
  libdatachannel: {
    ...npmPackage('node-datachannel', 'libdatachannel'),
    cannot: [
      noRestart('libdatachannel has no ICE restart'),
      { checks: /^(offers media|call)/, why: 'its npm package has no audio and video' },
      { checks: /^offers again/, roles: ['offers'], why: 'libdatachannel makes an offer only of what is new' },
    ],
    faults: [
      { checks: /^channels (unordered|life time)/, roles: ['offers'],
        error: /^(ordered\n\ntrue !== false|maxPacketLifeTime\n\nnull !== 3000)\n/,
        why: 'its npm package says of every channel that comes in that it is ordered and reliable' },
      // Seen between two of them without kith: 19 of 21 messages in one of 15 runs.
      { checks: /^end kith/, error: /^message: nothing within 20000 ms \(.*"open":false/,
        why: 'its npm package drops messages that still wait when their channel closes' },
      // Seen in 5 of 28 captures: SHUTDOWN, SHUTDOWN ACK, SHUTDOWN COMPLETE and no alert.
      { checks: /^end peer/, error: vanished,
        why: 'when it closes early it sends no close_notify behind its SCTP SHUTDOWN' },
    ],
  },
  werift: {
    ...npmPackage('werift', 'werift'),
  },
  aiortc: {
    ...aiortc,
    cannot: [noRestart('aiortc has no ICE restart')],
  },
  webrtcbin: {
    ...program('webrtcbin-agent', 'tools/setup.sh --tests'),
    cannot: [noRestart('GStreamer 1.22 has no ICE restart')],
    // Captured: not one packet leaves when its pipeline ends.
    faults: [{ checks: /^end peer/, error: vanished,
      why: 'GStreamer 1.22 ends without ABORT and without close_notify' }],
  },
  janus: {
    ...JanusLab.peer(),
    cannot: [
      { checks: /^channels both/, why: 'Janus opens no second channel' },
      { checks: /^channels peer closes/, why: 'Janus closes no channel' },
      { checks: /^channels/, roles: ['answers'], why: 'the streaming plugin sends and hears nothing' },
      { checks: /^messages (16|64)K/, roles: ['answers'], why: 'the streaming plugin cuts what it gets at 1500 bytes' },
      { checks: /^ICE restart kith/, roles: ['answers'], why: 'the streaming plugin answers no offer' },
      { checks: /^offers (again|media later)/, why: 'its plugins make one offer for a session' },
      { checks: /^ICE restart/, roles: ['offers'], why: 'the echotest plugin makes no offer' },
    ],
    // Captured: the response to kith's reset says that it is performed, and no reset of Janus' own follows.
    faults: [
      // 65535 bytes come back, 65536 do not.
      { checks: /^messages 64K/, error: silent('message', 20000), why: 'Janus loses messages of exactly 65536 bytes' },
      { checks: /^channels kith closes/, error: silent('channel \\S+ closed', 10000),
        why: 'Janus never resets its side of a channel (RFC 8831 section 6.7)' },
      // So kith peer says after 10 s that it does not know whether all has arrived.
      { checks: /^end kith/, roles: ['answers'], error: silent('the peer to exit', 10000),
        why: 'Janus never resets its side of a channel (RFC 8831 section 6.7)' },
    ],
  },
  pion: {
    ...program('pion-agent', 'tools/setup.sh --tests, with Go'),
  },
  str0m: {
    ...program('str0m-agent', 'tools/setup.sh --peers, with Rust'),
    cannot: [{ checks: /^offers again/, why: 'str0m makes an offer only of what is new' }],
  },
  'webrtc-rs': {
    ...program('webrtc-rs-agent', 'tools/setup.sh --peers, with Rust'),
    faults: [
      // 65535 bytes arrive; at 65536 it closes the channel. It announces no maximum, which is 65536 (RFC 8841 section 6.1).
      { checks: /^messages 64K/, error: silent('message', 10000),
        why: 'webrtc-rs reads into 65535 bytes, and closes the channel at 65536' },
      // Its read_sctp looks whether the stream was reset before it looks into the queue.
      { checks: /^end kith/, error: /^message: nothing within 20000 ms \(.*"open":false/,
        why: 'webrtc-rs drops messages that are not read yet when their stream is reset' },
    ],
  },
};
