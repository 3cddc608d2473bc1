// Janus as a peer of the table: one server, a session of its own for each connection. Its echotest plugin answers and
// returns messages; its streaming plugin offers audio, video and data, and what a UDP port gets comes out of the channel.
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { removeFolder, start, stop, temporaryFolder } from '../lib/children.mjs';
import { Inbox } from '../lib/inbox.mjs';
import { sleep, within } from '../lib/wait.mjs';
import { Unable } from './checks.mjs';
import { assertSame, Session } from './session.mjs';

const BINARY = '/usr/bin/janus';
const LIBRARIES = '/usr/lib/x86_64-linux-gnu/janus';
const HTTP_PORT = 18088;
const DATA_PORT = 15006;
const URL = `http://127.0.0.1:${HTTP_PORT}/janus`;

// A picture and a tone for the streaming plugin.
const STREAM = ['-nostdin', '-v', 'quiet', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440',
  '-map', '0', '-c:v', 'libvpx', '-deadline', 'realtime', '-g', '25', '-payload_type', '100', '-f', 'rtp', 'rtp://127.0.0.1:15004?pkt_size=1100',
  '-map', '1', '-c:a', 'libopus', '-payload_type', '111', '-f', 'rtp', 'rtp://127.0.0.1:15002'];

function writeConfiguration(folder) {
  const write = (name, text) => fs.writeFileSync(path.join(folder, name), text);
  const others = list => list.map(name => `libjanus_${name}.so`).join(',');
  write('janus.jcfg', `
general: { configs_folder = "${folder}" plugins_folder = "${LIBRARIES}/plugins"
  transports_folder = "${LIBRARIES}/transports" events_folder = "/nonexistent" loggers_folder = "/nonexistent" }
nat: { ice_tcp = false ignore_mdns = false }
plugins: { disable = "${others(['lua', 'duktape', 'sip', 'nosip', 'voicemail', 'videoroom', 'audiobridge'])}" }
transports: { disable = "${others(['rabbitmq', 'mqtt', 'nanomsg', 'pfunix', 'websockets'])}" }`);
  write('janus.transport.http.jcfg', `
general: { json = "compact" base_path = "/janus" http = true port = ${HTTP_PORT} ip = "127.0.0.1" https = false }
admin: { admin_http = false }`);
  write('janus.plugin.streaming.jcfg', `
demo: { type = "rtp" id = 1 audio = true audioport = 15002 audiopt = 111 audiocodec = "opus"
  video = true videoport = 15004 videopt = 100 videocodec = "vp8" data = true dataport = ${DATA_PORT} datatype = "text" }`);
}

async function post(url, object) {
  const transaction = Math.random().toString(36);
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ transaction, ...object }) });
  return response.json();
}

class JanusAgent extends Inbox {
  #session;
  #handle;
  #trickle;
  #isOver = false;
  #isCalled = false;
  #isOfferer;
  #far; // what the streaming plugin passes on

  static async start({ trickle, plugin }) {
    const agent = new JanusAgent();
    agent.#trickle = trickle;
    agent.#isOfferer = plugin === 'streaming';
    agent.#session = `${URL}/${(await post(URL, { janus: 'create' })).data.id}`;
    const { data } = await post(agent.#session, { janus: 'attach', plugin: `janus.plugin.${plugin}` });
    agent.#handle = `${agent.#session}/${data.id}`;
    agent.#poll().catch(error => agent.fail(error));
    return agent;
  }

  async #poll() {
    while (!this.#isOver) {
      const event = await (await fetch(`${this.#session}?maxev=1`)).json();
      if (this.#isOver) return;
      if (event.jsep) this.put({ type: event.jsep.type, sdp: event.jsep.sdp });
      else if (event.janus === 'trickle') this.put(event.candidate.completed ? { candidate: '' } : event.candidate);
      else if (event.janus === 'webrtcup') this.#up();
      else if (event.janus === 'hangup') this.put({ state: 'closed' });
    }
  }

  // It tells of no track. The echotest plugin returns what came, and that is looked at; the streaming plugin takes nothing.
  #up() {
    this.put({ state: 'connected' });
    if (this.#isCalled) ['audio', 'video'].forEach(track => this.put({ track }));
  }

  // The last command has arrived.
  #turn = Promise.resolve();

  send(command) {
    this.#turn = this.#turn.then(() => this.#obey(command)).catch(error => this.put({ error: String(error) }));
  }

  async #obey(command) {
    if (command.type === 'offer') {
      await this.#message({ audio: true, video: true }, command);
    } else if (command.type === 'answer') {
      await this.#message({ request: 'start' }, command);
    } else if ('candidate' in command) {
      await this.#post({ janus: 'trickle', candidate: command.candidate ? command : { completed: true } });
    } else if ('call' in command) {
      this.#isCalled = true;
      if (this.#isOfferer) this.#far = start('ffmpeg', STREAM);
    } else if ('offer' in command) {
      await this.#message({ request: 'watch', id: 1 });
    } else if ('restart' in command) {
      await this.#message({ request: 'watch', id: 1, restart: true });
    } else if ('bye' in command) {
      await this.#post({ janus: 'hangup' });
    }
  }

  #message(body, description) {
    const jsep = description && { type: description.type, sdp: description.sdp, trickle: this.#trickle };
    return this.#post({ janus: 'message', body, ...(jsep && { jsep }) });
  }

  async #post(object) {
    const { janus, error } = await post(this.#handle, object);
    if (janus === 'error') throw new Error(error.reason);
  }

  async kill() {
    this.#isOver = true;
    await this.#turn;
    if (this.#far) await stop(this.#far);
    await post(this.#session, { janus: 'destroy' });
  }
}

// Janus says nothing of channels, and who returns messages is Janus: kith opens the channel that it knows by its label,
// also where Janus offers, as Janus' own page does.
class JanusSession extends Session {
  label = 'JanusDataChannel';

  optionsOfKith() {
    return ['--label', this.label];
  }

  // The streaming plugin relays nothing before it has heard of the channel, which it tells nobody.
  async open() {
    await this.ours.take('a channel', object => object.channel && object.open);
    if (this.kithOffers) return;
    const talk = setInterval(() => this.lab.sayByUdp('is anybody there?'), 100);
    try {
      await this.ours.take('the first message', ({ binary }) => binary !== undefined);
    } finally {
      clearInterval(talk);
    }
  }

  async closed() {
    await this.ours.channel(this.label, false, 10000);
  }

  // Janus tells nobody.
  async peerHeardBeforeClosing() {}

  assertProperties() {}

  async echo(message) {
    const isText = typeof message === 'string';
    if (this.kithOffers) {
      this.sayFromKith(message);
      const echo = await this.ours.message();
      assertSame(isText ? echo.replace(/^Janus EchoTest here! You wrote: /, '') : echo, message);
    } else {
      // The streaming plugin of 1.1.2 sends all that it gets as binary messages, also where its mount point says text.
      const bytes = Buffer.from(message);
      await this.lab.sayByUdp(bytes);
      await this.ours.take('the message', ({ binary }) => binary !== undefined && bytes.equals(Buffer.from(binary, 'base64')));
    }
  }
}

export class JanusLab {
  Session = JanusSession;

  static peer() {
    return {
      missing: () => (fs.existsSync(BINARY) ? undefined : 'Debian package janus (tools/setup.sh --tests)'),
      open: async () => {
        const lab = new JanusLab();
        lab.folder = temporaryFolder('kith-janus-');
        writeConfiguration(lab.folder);
        lab.child = start(BINARY, ['-C', path.join(lab.folder, 'janus.jcfg'), '-F', lab.folder], { cwd: lab.folder });
        await within(10000, 'Janus', lab.#ready());
        return lab;
      },
    };
  }

  async #ready() {
    while (!(await fetch(`${URL}/info`).catch(() => undefined))?.ok) await sleep(50);
  }

  start({ trickle, kithOffers }) {
    return JanusAgent.start({ trickle, plugin: kithOffers ? 'echotest' : 'streaming' });
  }

  // Comes out of the channel of whoever watches.
  async sayByUdp(message) {
    const socket = dgram.createSocket('udp4');
    await new Promise(resolve => socket.send(message, DATA_PORT, '127.0.0.1', resolve));
    socket.close();
  }

  async close() {
    await stop(this.child);
    removeFolder(this.folder);
  }
}
