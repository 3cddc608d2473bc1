// The agent of peers/agents/rtc-agent.mjs in a browser's page.
import { rtcAgent } from '../peers/agents/rtc-agent.mjs';
import { Inbox } from './inbox.mjs';

// Runs in the page: what the agent says waits until the test fetches it.
function environmentOfPage() {
  const said = [];
  let wake = () => {};
  const toBase64 = buffer => new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.readAsDataURL(new Blob([buffer]));
  });
  const fromBase64 = async text => (await fetch(`data:application/octet-stream;base64,${text}`)).arrayBuffer();
  window.connections = [];
  window.fetchSaid = async () => {
    if (!said.length) await new Promise(resolve => (wake = resolve));
    return said.splice(0);
  };
  const addMedia = async connection => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
    stream.getTracks().forEach(track => connection.addTrack(track, stream));
  };
  // A track is heard or seen once so much of it was decoded.
  const takePart = async connection => {
    await addMedia(connection);
    // What nobody hears is not decoded.
    connection.ontrack = ({ track }) => {
      const element = document.createElement(track.kind);
      Object.assign(element, { autoplay: true, srcObject: new MediaStream([track]) });
    };
    const told = new Set();
    const look = async () => {
      for (const entry of (await connection.getStats()).values())
        if (entry.type === 'inbound-rtp' && !told.has(entry.kind) && (entry.framesDecoded >= 20 || entry.totalAudioEnergy > 0)) {
          told.add(entry.kind);
          said.push({ track: entry.kind });
          wake();
        }
      if (told.size < 2 && connection.connectionState !== 'closed') setTimeout(look, 100);
    };
    look();
  };
  return {
    RTCPeerConnection: class extends RTCPeerConnection {
      constructor(configuration) {
        super(configuration);
        window.connections.push(this);
      }
    },
    say(object) {
      said.push(object);
      wake();
    },
    toBase64: async buffer => (buffer.byteLength ? toBase64(buffer) : ''),
    fromBase64: async text => (text ? fromBase64(text) : new ArrayBuffer(0)),
    addMedia,
    takePart,
    takesEndOfCandidates: true,
  };
}

export class PageAgent extends Inbox {
  #page;
  #whenOver;
  #isOver = false;

  // options: { trickle }. `whenOver` is told when the page may serve another one.
  static async start(page, options, whenOver) {
    const agent = new PageAgent();
    agent.#page = page;
    agent.#whenOver = whenOver;
    await page.evaluate(`void (window.agent = (${rtcAgent})((${environmentOfPage})(), ${JSON.stringify(options)}))`);
    agent.#fetch().catch(error => agent.fail(error));
    return agent;
  }

  async #fetch() {
    while (!this.#isOver) {
      const objects = await this.#page.evaluate('window.fetchSaid()');
      if (!this.#isOver) objects.forEach(object => this.put(object));
    }
  }

  send(command) {
    this.#page.evaluate(object => void window.agent(object), command).catch(error => this.fail(error));
  }

  // Closes its connection at once.
  async kill() {
    this.#isOver = true;
    await this.#page.evaluate('window.connections.forEach(connection => connection.close())');
    this.#whenOver();
  }
}
