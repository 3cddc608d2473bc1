// A path between two peers that loses some of their packets, by a seed, and delivers the rest late: of the candidates that
// either tells, the other is told this path's own. No netem: not every kernel has it, and its losses have no seed.
import dgram from 'node:dgram';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

// The packets of one direction, in order.
class Direction {
  #queue = [];
  #timer;

  constructor({ loss, delay }, seed, send, told) {
    Object.assign(this, { loss, delay, send, told });
    this.state = seed >>> 0;
  }

  #random() {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return this.state / 2 ** 32;
  }

  take(packet) {
    this.told.packets++;
    if (this.#random() < this.loss) return this.told.lost++;
    this.#queue.push({ packet, due: performance.now() + this.delay });
    this.#wait();
  }

  #wait() {
    if (this.#timer || !this.#queue.length) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const now = performance.now(); this.#queue[0]?.due <= now;) {
        const { packet, due } = this.#queue.shift();
        this.told.late = Math.max(this.told.late, now - due);
        this.send(packet);
      }
      this.#wait();
    }, Math.max(0, this.#queue[0].due - performance.now()));
  }
}

function carry({ address, loss, delay, seed }) {
  const remotes = [];
  const told = [0, 1].map(() => ({ packets: 0, lost: 0, late: 0 }));
  // sockets[side] is what that side sends to; what comes there leaves by the other.
  const sockets = [0, 1].map(() => dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 }));
  sockets.forEach((socket, side) => {
    const other = 1 - side;
    const send = packet => remotes[other] && sockets[other].send(packet, remotes[other].port, remotes[other].address, () => {});
    const direction = new Direction({ loss, delay }, seed + side * 7919, send, told[side]);
    socket.on('message', packet => direction.take(packet));
  });
  parentPort.on('message', ({ side, remote }) => {
    if (remote) remotes[side] = remote;
    else parentPort.postMessage({ told });
  });
  Promise.all(sockets.map(socket => new Promise(resolve => socket.bind(0, address, resolve))))
    .then(() => parentPort.postMessage({ ports: sockets.map(socket => socket.address().port) }));
}

export class Path {
  #worker;
  #ports;
  #address;
  #taken = [];

  // `loss`: of one; `delay`: milliseconds one way. Both are of either direction.
  static async open({ loss, delay, seed, address = '192.0.2.1' }) {
    const path = new Path();
    path.#address = address;
    path.#worker = new Worker(new URL(import.meta.url), { workerData: { address, loss, delay, seed } });
    path.#worker.unref();
    const [{ ports }] = await once(path.#worker);
    path.#ports = ports;
    return path;
  }

  // The signal of a side (0 or 1) as the other is to hear it; none where there is no need.
  carry(side, signal) {
    if (signal.sdp) return { ...signal, sdp: signal.sdp.replace(/^a=(candidate|end-of-candidates).*\r\n/gm, '') };
    if (!signal.candidate) return signal;
    const words = signal.candidate.split(' ');
    const [, , transport, , address, port, , type] = words;
    if (this.#taken[side] || !/^udp$/i.test(transport) || type !== 'host' || address !== this.#address) return null;
    this.#taken[side] = true;
    this.#worker.postMessage({ side, remote: { address, port: Number(port) } });
    words[5] = this.#ports[1 - side];
    return { ...signal, candidate: words.join(' ') };
  }

  // What it did: for what each side sent { packets, lost, late: the most that one was too late, in milliseconds }.
  async told() {
    this.#worker.postMessage({});
    const [{ told }] = await once(this.#worker);
    return told;
  }

  close() {
    return this.#worker.terminate();
  }
}

const once = worker => new Promise((resolve, reject) => {
  worker.once('message', message => resolve([message]));
  worker.once('error', reject);
});

// A thread of its own: what a test does beside it does not delay packets.
if (!isMainThread) carry(workerData);
