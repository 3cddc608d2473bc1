// Much data for a long time: a browser sends pieces of 256 KiB, kith returns each, and the browser judges every byte.
// So the same amount goes each way at once. Progress every 10 s; no progress for 60 s is a failure.
//
//     lib/netns.sh node soak.mjs KITH [--megabytes 10000] [--loss PERCENT] [chromium|firefox]
//
// --loss drops so many of all UDP packets of the namespace, in both directions (nftables).
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { skip } from './lib/browsers.mjs';
import { Peer } from './lib/peer.mjs';
import { installSoak } from './lib/soak-page.mjs';
import { sleep } from './lib/wait.mjs';
import { peers } from './peers/registry.mjs';

const PIECE = 256 * 1024;
// Unanswered pieces at most: 8 MiB, half of what a browser queues.
const WINDOW = 32;
const REPORT_MS = 10000;
const STALL_MS = 60000;

const { values: options, positionals: [kith, name = 'chromium'] } = parseArgs({
  allowPositionals: true,
  options: { megabytes: { type: 'string', default: '10000' }, loss: { type: 'string', default: '0' } },
});
const pieces = Math.ceil(Number(options.megabytes) * 1e6 / PIECE);
const megabytes = count => (count * PIECE / 1e6).toFixed(0);

// Where packets come in: a drop where they go out is an error of the sender's system call.
function lose(percent) {
  const rule = ['add', 'rule', 'inet', 'soak', 'in', 'meta', 'l4proto', 'udp', 'numgen', 'random', 'mod', '10000'];
  execFileSync('nft', ['add', 'table', 'inet', 'soak']);
  execFileSync('nft', ['add', 'chain', 'inet', 'soak', 'in', '{ type filter hook input priority 0; }']);
  execFileSync('nft', [...rule, '<', String(Math.round(percent * 100)), 'drop']);
}

// Until all pieces are back, or an error.
async function watch(page, peer) {
  const began = Date.now();
  let last = { heard: 0, at: began };
  for (let reported = began; ;) {
    await sleep(500);
    const { sent, heard, error, state } = await page.evaluate('window.soak.progress()');
    const now = Date.now();
    if (heard > last.heard) last = { heard, at: now };
    const seconds = (now - began) / 1000;
    if (heard >= pieces || now - reported >= REPORT_MS) {
      reported = now;
      console.log(`${seconds.toFixed(0)} s: ${megabytes(heard)} of ${megabytes(pieces)} MB each way, `
        + `${(heard * PIECE / 1e6 / seconds).toFixed(1)} MB/s`);
    }
    if (heard >= pieces) return;
    if (error) throw new Error(`${error} after ${megabytes(heard)} MB`);
    if (now - last.at > STALL_MS)
      throw new Error(`stalled after ${megabytes(heard)} MB (${sent} sent, ${heard} heard, ${state}) ${peer.log()}`);
  }
}

const missing = peers[name].missing();
if (missing) skip(`${name} is not installed: ${missing}`);
if (Number(options.loss) > 0) lose(Number(options.loss));
const lab = await peers[name].open();
const page = await lab.page();
const peer = new Peer(kith, 'peer', 'offer', '--no-trickle', '--echo', '--quiet');
console.log(`${lab.browser.name}, ${options.megabytes} MB each way, ${options.loss} % loss`);
let failure;
try {
  await page.evaluate(installSoak, { pieces, size: PIECE, window: WINDOW });
  peer.send(await page.evaluate(offer => window.soak.answer(offer), await peer.description('offer')));
  await watch(page, peer);
} catch (error) {
  failure = error;
}
await peer.kill();
await lab.close();
console.log(failure ? `FAIL: ${failure.message}` : 'ok');
process.exit(failure ? 1 : 0);
