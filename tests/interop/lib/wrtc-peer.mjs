// libwebrtc, from npm, as a peer on standard input and output in the words of `kith peer`:
//
//     node wrtc-peer.mjs offer|answer [--echo] [--no-trickle] [--label L]
//
// One data channel; trickle both ways unless told otherwise; ends when its input does.
import readline from 'node:readline';
import { parseArgs } from 'node:util';
import wrtc from '@roamhq/wrtc';

const { values: options, positionals: [role] } = parseArgs({
  allowPositionals: true,
  options: { echo: { type: 'boolean' }, 'no-trickle': { type: 'boolean' }, label: { type: 'string', default: 'kith' } },
});
if (role !== 'offer' && role !== 'answer') throw new Error('usage: wrtc-peer.mjs offer|answer');

const say = object => process.stdout.write(JSON.stringify(object) + '\n');
const connection = new wrtc.RTCPeerConnection();
let channel;
let lastCandidate;
const gathered = new Promise(resolve => (lastCandidate = resolve));

function use(newChannel) {
  channel = newChannel;
  channel.binaryType = 'arraybuffer';
  channel.onopen = () => say({ channel: channel.label, open: true });
  channel.onclose = () => say({ channel: channel.label, open: false });
  channel.onmessage = ({ data }) => {
    say(typeof data === 'string' ? { text: data } : { binary: Buffer.from(data).toString('base64') });
    if (options.echo) channel.send(data);
  };
}

async function describe() {
  const isOffer = connection.signalingState === 'stable'; // it knows no implicit description
  await connection.setLocalDescription(await (isOffer ? connection.createOffer() : connection.createAnswer()));
  if (options['no-trickle']) await gathered;
  const { type, sdp } = connection.localDescription;
  say({ type, sdp });
}

async function hear(object) {
  if ('sdp' in object) {
    await connection.setRemoteDescription(object);
    if (object.type === 'offer') await describe();
  } else if ('candidate' in object) {
    if (object.candidate) await connection.addIceCandidate(object); // this version knows no end of candidates
  } else if ('text' in object) {
    channel.send(object.text);
  } else if ('binary' in object) {
    channel.send(Buffer.from(object.binary, 'base64'));
  }
}

connection.ondatachannel = event => {
  use(event.channel);
  if (channel.readyState === 'open') channel.onopen();
};
connection.onconnectionstatechange = () => say({ state: connection.connectionState });
connection.onicecandidate = ({ candidate }) => {
  if (!candidate) lastCandidate();
  if (options['no-trickle']) return;
  say(candidate ? candidate.toJSON() : { candidate: '', sdpMid: '0', sdpMLineIndex: 0 });
};

if (role === 'offer') {
  use(connection.createDataChannel(options.label));
  await describe();
}

let turn = Promise.resolve(); // one line after the other
readline.createInterface({ input: process.stdin })
  .on('line', line => (turn = turn.then(() => hear(JSON.parse(line)))))
  .on('close', () => turn.then(() => {
    connection.close();
    process.exit(0);
  }));
