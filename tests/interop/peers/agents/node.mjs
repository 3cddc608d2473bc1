// A JavaScript library as an agent:
//
//     node node.mjs libwebrtc|libdatachannel|werift [--no-trickle]
import dgram from 'node:dgram';
import readline from 'node:readline';
import { rtcAgent } from './rtc-agent.mjs';

const libraries = {
  libwebrtc: () => import('@roamhq/wrtc').then(module => module.default),
  libdatachannel: () => import('node-datachannel/polyfill'),
  werift: () => import('werift'),
};
const [library, ...flags] = process.argv.slice(2);
const { RTCPeerConnection, nonstandard } = await libraries[library]();
const say = object => process.stdout.write(JSON.stringify(object) + '\n');

// werift insists on a STUN server, and waits seconds for one that is silent. This one refuses (RFC 8489 section 6.3.1).
async function refusingStunServer() {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (request, from) => {
    const refusal = Buffer.concat([Buffer.from([0x01, 0x11, 0, 8]), request.subarray(4, 20), // binding error response
      Buffer.from([0, 9, 0, 4, 0, 0, 4, 0])]); // ERROR-CODE 400
    socket.send(refusal, from.port, from.address);
  });
  await new Promise(resolve => socket.bind(0, '127.0.0.1', resolve));
  return `stun:127.0.0.1:${socket.address().port}`;
}

// A grey that changes and a tone, and what comes is decoded.
function talk(connection) {
  const video = new nonstandard.RTCVideoSource();
  const audio = new nonstandard.RTCAudioSource();
  const [width, height] = [160, 120];
  let [number, sample] = [0, 0];
  setInterval(() => {
    const data = new Uint8ClampedArray((width * height * 3) / 2).fill(128).fill(16 + (number++ % 220), 0, width * height);
    video.onFrame({ width, height, data });
  }, 40);
  setInterval(() => {
    const samples = Int16Array.from({ length: 480 }, () => 8000 * Math.sin((2 * Math.PI * 440 * sample++) / 48000));
    audio.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
  }, 10);
  [audio, video].forEach(source => connection.addTrack(source.createTrack()));
  connection.ontrack = ({ track }) => {
    let left = 20;
    const count = frame => {
      if (frame.samples && !frame.samples.some(Boolean)) return; // silence is made where nothing comes
      if (--left === 0) say({ track: track.kind });
    };
    if (track.kind === 'video') new nonstandard.RTCVideoSink(track).onframe = ({ frame }) => count(frame);
    else new nonstandard.RTCAudioSink(track).ondata = count;
  };
}

// What comes goes back.
function mirror(connection) {
  for (const kind of ['audio', 'video']) {
    const transceiver = connection.addTransceiver(kind, { direction: 'sendrecv' });
    transceiver.onTrack.subscribe(track => {
      let left = 20;
      track.onReceiveRtp.subscribe(() => { if (--left === 0) say({ track: kind }); });
      transceiver.sender.replaceTrack(track);
    });
  }
}

const agent = rtcAgent({
  RTCPeerConnection,
  configuration: library === 'werift' ? { iceServers: [{ urls: await refusingStunServer() }] } : {},
  say,
  toBase64: data => Buffer.from(data).toString('base64'),
  // werift wants Buffers, which the others do not know
  fromBase64: text => (library === 'werift' ? Buffer.from(text, 'base64') : new Uint8Array(Buffer.from(text, 'base64'))),
  addMedia: connection => ['audio', 'video'].forEach(kind => connection.addTransceiver(kind)),
  takePart: library === 'werift' ? mirror : talk,
  takesEndOfCandidates: false,
}, { trickle: !flags.includes('--no-trickle') });

process.on('uncaughtException', error => say({ error: `uncaught: ${error}` }));
readline.createInterface({ input: process.stdin })
  .on('line', line => agent(JSON.parse(line)))
  .on('close', () => process.exit(0));
say({ ready: library });
