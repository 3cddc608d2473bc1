// The page: draws what a Peer tells, and gives tests a handle (window.kithDemo). Text from the other side is only
// ever set as text.
import { CallView } from './call_view.js';
import { Graph } from './graph.js';
import { Peer, sha256 } from './peer.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const room = query.get('room') ?? '';
const began = performance.now();
const peer = new Peer(room, query.has('relay') ? { iceTransportPolicy: 'relay' } : {});

const bytes = (n) =>
  n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : n < 1e9 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(2)} GB`;
const rate = (n) => `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB/s`;
const milliseconds = (n) => `${n >= 10 ? n.toFixed(0) : Number(n.toFixed(2))} ms`;

const element = (tag, { text, className } = {}) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

// Keeps a list at its end unless the reader scrolled up.
const append = (list, item) => {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  if (list.children.length > 500) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
};

// ---- states and timeline ----

const stateCells = {};
for (const name of ['signalingState', 'iceGatheringState', 'iceConnectionState', 'connectionState']) {
  const row = element('tr');
  const heading = element('th', { text: name });
  heading.scope = 'row';
  stateCells[name] = { browser: element('td', { text: '—' }), kith: element('td', { text: '—' }) };
  row.append(heading, stateCells[name].browser, stateCells[name].kith);
  $('states').append(row);
}

const steps = [];
peer.addEventListener('step', ({ detail }) => {
  const cell = stateCells[detail.name]?.[detail.side];
  if (cell) cell.textContent = detail.value;
  const time = performance.now() - began;
  steps.push({ time, ...detail });
  const item = element('li');
  item.append(
    element('time', { text: milliseconds(time) }),
    element('span', { text: detail.side === 'kith' ? peer.otherName : 'browser', className: detail.side }),
    element('span', { text: `${detail.name}: ${detail.value}` }),
  );
  append($('timeline'), item);
});

const showTrouble = (text) => {
  $('trouble').textContent = text;
  $('trouble').hidden = !text;
};

const showState = (state) => {
  $('wire').dataset.state = state;
  $('connection-state').textContent = state;
  if (state === 'connected') showTrouble('');
  if (state === 'disconnected') showTrouble(`Nothing has come from ${peer.theOther} for some seconds.`);
};
peer.addEventListener('state', ({ detail }) => showState(detail));
peer.addEventListener('waiting', () => showState('waiting for somebody to join'));

// Every step may change it.
const showWait = () => {
  const what = peer.waitsFor();
  $('waits-for').textContent = what && `waits for ${what}`;
};
for (const type of ['step', 'candidate', 'state', 'ready', 'lost']) peer.addEventListener(type, showWait);
showWait();
peer.addEventListener('trouble', ({ detail }) => showTrouble(detail));

const setEnabled = (enabled) => {
  for (const control of document.querySelectorAll('#data-view input, #data-view select, #data-view button')) control.disabled = !enabled;
  $('pick-label').classList.toggle('off', !enabled);
};
peer.addEventListener('ready', () => {
  $('fact-setup').textContent = milliseconds(peer.setupTime);
  setEnabled(true);
});
peer.addEventListener('lost', ({ detail }) => {
  showState('closed');
  showTrouble(detail);
  setEnabled(false);
});
setEnabled(false);

// ---- candidates ----

const rows = new Map();
peer.addEventListener('candidate', ({ detail: { side, candidate } }) => {
  const row = element('tr');
  const cells = [candidate.type, candidate.address ?? candidate.candidate.split(' ')[4], candidate.port, candidate.protocol, candidate.priority];
  row.append(element('td', { text: side === 'kith' ? peer.otherName : 'browser', className: side }));
  for (const cell of cells) row.append(element('td', { text: cell ?? '' }));
  row.append(element('td'));
  rows.set(`${side} ${candidate.port} ${candidate.type}`, row);
  $('candidates').append(row);
});

const markChosen = (side, stats) => {
  if (!stats) return;
  let row = rows.get(`${side} ${stats.port} ${stats.candidateType}`);
  if (!row) {
    // Learnt from a connectivity check: nobody signalled it.
    const candidate = { type: stats.candidateType, address: stats.address || 'hidden', port: stats.port, protocol: stats.protocol, priority: stats.priority };
    peer.emit('candidate', { side, candidate });
    row = rows.get(`${side} ${stats.port} ${stats.candidateType}`);
  }
  for (const other of rows.values()) if (other.dataset.side === side && other !== row) other.className = other.lastChild.textContent = '';
  row.dataset.side = side;
  row.className = 'chosen';
  row.lastChild.textContent = '✓ chosen';
};

// A browser hides its own address behind a long name in .local.
const address = (c) => {
  if (!c) return '—';
  const ip = c.address?.endsWith('.local') ? `${c.address.slice(0, 8)}….local` : c.address || '….local';
  return `${c.candidateType} ${ip.includes(':') && ip[0] !== '[' ? `[${ip}]` : ip}:${c.port}`;
};

const showPath = async () => {
  const { pair, transport, local, remote } = await peer.path();
  if (!pair) return;
  $('local-address').textContent = address(local);
  $('remote-address').textContent = address(remote);
  $('fact-sent').textContent = bytes(transport?.bytesSent ?? pair.bytesSent ?? 0);
  $('fact-received').textContent = bytes(transport?.bytesReceived ?? pair.bytesReceived ?? 0);
  if (transport?.dtlsCipher) $('fact-dtls').textContent = transport.dtlsCipher.replace('TLS_', '').replaceAll('_', '-');
  else $('fact-dtls').textContent = peer.pc?.sctp?.transport?.state ?? '—';
  // A program answers no pings of ours, but ICE's.
  if (peer.program && pair.currentRoundTripTime !== undefined) $('fact-rtt').textContent = milliseconds(pair.currentRoundTripTime * 1000);
  markChosen('browser', local);
  markChosen('kith', remote);
};
setInterval(showPath, 1000);
peer.ready.then(showPath);

// ---- chat ----

const addMessage = (text, mine) => append($('chat'), element('li', { text, className: mine ? 'mine' : 'theirs' }));
peer.addEventListener('chat', ({ detail }) => addMessage(detail, false));
$('chat-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('chat-text').value;
  if (!text) return;
  peer.say(text);
  addMessage(text, true);
  $('chat-text').value = '';
});

// ---- round trip ----

const rttGraph = new Graph($('rtt-graph'), { series: [{ color: '--browser' }], seconds: 60, format: milliseconds, logarithmic: true });
const recent = [];
const pingForever = async () => {
  await peer.ready;
  setInterval(async () => {
    if (peer.channels.ping?.readyState !== 'open') return;
    const rtt = await peer.ping();
    recent.push(rtt);
    if (recent.length > 9) recent.shift();
    const median = [...recent].sort((a, b) => a - b)[recent.length >> 1];
    rttGraph.add(0, rtt);
    $('rtt-reading').textContent = $('fact-rtt').textContent = milliseconds(median);
  }, 250);
};
pingForever();

// ---- throughput ----

const speedGraph = new Graph($('speed-graph'), {
  series: [{ color: '--kith' }, { color: '--browser' }], seconds: 15, format: rate,
});

// Draws the growth of a counter while `run` lasts.
const measure = async (series, counter, run) => {
  let [time, count] = [performance.now(), 0];
  speedGraph.add(series, 0, time);
  const timer = setInterval(() => {
    const [now, total] = [performance.now(), counter()];
    const speed = ((total - count) / (now - time)) * 1000;
    speedGraph.add(series, Math.max(0, speed), now);
    $('speed-reading').textContent = rate(Math.max(0, speed));
    [time, count] = [now, total];
  }, 100);
  try {
    const result = await run();
    $('speed-reading').textContent = `${rate(result.rate)} on average`;
    return result;
  } finally {
    clearInterval(timer);
    speedGraph.add(series, 0);
  }
};
const download = (ms) => measure(0, () => peer.channels.speed.bytes ?? 0, () => peer.download(ms));
const upload = (ms) => measure(1, () => peer.uploaded ?? 0, () => peer.upload(ms));

const runAlone = (run) => async () => {
  $('download').disabled = $('upload').disabled = true;
  try {
    await run(5000);
  } catch (error) {
    showTrouble(String(error));
  }
  $('download').disabled = $('upload').disabled = false;
};
$('download').addEventListener('click', runAlone(download));
$('upload').addEventListener('click', runAlone(upload));

// ---- files ----

const items = new WeakMap();
const itemOf = (transfer) => {
  if (items.has(transfer)) return items.get(transfer);
  document.querySelector('#files .empty')?.remove();
  const item = element('li', { className: `from-${transfer.from}` });
  const head = element('div', { className: 'head' });
  head.append(element('span', { text: transfer.name }), element('span', { text: `${transfer.from === 'kith' ? 'received' : 'sent'}, ${bytes(transfer.size)}` }));
  const progress = element('progress');
  progress.max = transfer.size || 1;
  progress.setAttribute('aria-label', `Progress of ${transfer.name}`);
  const note = element('div', { className: 'note' });
  item.append(head, progress, note);
  $('files').prepend(item);
  const made = { progress, note, began: performance.now() };
  items.set(transfer, made);
  return made;
};

const showReceipt = (transfer, { note, began: since }) => {
  const { ok, reason, sha256: theirs } = transfer.receipt;
  const seconds = (performance.now() - since) / 1000;
  const hash = theirs ?? transfer.sha256;
  note.className = `note ${ok ? 'same' : 'differs'}`;
  note.textContent = ok
    ? `✓ same SHA-256 on both sides${hash ? `: ${hash.slice(0, 16)}…` : ''} · ${rate(transfer.size / Math.max(seconds, 0.001))}`
    : `✗ ${reason ?? 'the SHA-256 differs'}`;
  if (!transfer.blob || !ok) return;
  const save = element('a', { text: 'Save' });
  save.href = URL.createObjectURL(transfer.blob);
  save.download = transfer.name;
  note.append(' · ', save);
};

peer.addEventListener('transfer', ({ detail: transfer }) => {
  const item = itemOf(transfer);
  item.progress.value = transfer.size ? transfer.done : 1;
  if (transfer.receipt) showReceipt(transfer, item);
  else item.note.textContent = `${bytes(transfer.done)} of ${bytes(transfer.size)}`;
});

const sendFile = async (file) => {
  try {
    await peer.sendFile(file);
  } catch (error) {
    showTrouble(error.message);
  }
};
$('pick').addEventListener('change', () => {
  if ($('pick').files[0]) sendFile($('pick').files[0]);
  $('pick').value = '';
});
$('get').addEventListener('click', async () => {
  $('get').disabled = true;
  await peer.getFile(Number($('get-size').value));
  $('get').disabled = false;
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', () => document.body.classList.remove('dropping'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  if (event.dataTransfer.files[0] && !$('pick').disabled) sendFile(event.dataTransfer.files[0]);
});

// ---- the two views ----

const callView = new CallView(peer);

const showView = () => {
  const isCall = location.hash === '#call';
  $('data-view').hidden = isCall;
  $('call-view').hidden = !isCall;
  for (const [id, isShown] of [['to-data', !isCall], ['to-call', isCall]]) {
    if (isShown) $(id).setAttribute('aria-current', 'page');
    else $(id).removeAttribute('aria-current');
  }
};
addEventListener('hashchange', showView);
showView();

// ---- rooms ----

$('room-command').textContent = `kith peer answer --signal ws://${location.host}/ws/${room || 'NAME'}`;
if (room) {
  $('title').textContent = `Room “${room}”`;
  $('lede').textContent = 'Two meet here. The hub only passes their signalling on; everything else goes directly from one to the other.';
  $('remote-role').textContent = $('states-other').textContent = 'the other';
  $('room-name').value = room;
  $('lede').after($('room-hint'));
  $('get-controls').hidden = true;
}

// ---- a program behind the page ----

peer.addEventListener('welcome', () => {
  const { program } = peer;
  if (!program) return;
  const name = element('code', { text: program });
  $('title').replaceChildren('This page is talking to ', name, '.');
  $('lede').replaceChildren('kith serve started it for this page and carries its signalling; everything else goes directly from one to the other.');
  $('remote-role').textContent = $('states-other').textContent = program;
  document.title = `kith: this page and ${program}`;
  document.body.classList.add('program');
  $('program-hint').hidden = true;
});
// What it sends is seen at once.
peer.addEventListener('track', () => {
  if (peer.program && !location.hash) location.replace('#call');
});

// ---- for tests ----

window.kithDemo = {
  peer,
  call: callView.call,
  steps,
  ready: peer.ready.then(() => true),
  // The first line that comes unasked: the program's greeting.
  greeting: new Promise((resolve) => peer.addEventListener('chat', ({ detail }) => resolve(detail), { once: true })),
  sha256,
  ping: () => peer.ping(),
  download,
  upload,
  sendFile: (blob, name) => peer.sendFile(blob, name),
  getFile: (size) => peer.getFile(size),
  // The next line that comes after saying this.
  chat: (text) => new Promise((resolve) => {
    peer.addEventListener('chat', ({ detail }) => resolve(detail), { once: true });
    peer.say(text);
    addMessage(text, true);
  }),
};
