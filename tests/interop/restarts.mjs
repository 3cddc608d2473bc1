// ICE restarts against browsers as hard as the world: by either side, with kith offering first or answering, signals
// delayed, and connections of some age. Prints a table; ends with 1 when one is lost, with 77 without a browser.
//
//     lib/netns.sh node restarts.mjs KITH [--long] [--times N] [--at-once N] [chromium] [firefox]
//
// --long: ages of 30 and 60 s too, each connection watched for 35 s after its restart (consent would expire), each
// kind three times: 144 restarts a browser.
import { parseArgs } from 'node:util';
import { skip } from './lib/browsers.mjs';
import { sleep } from './lib/wait.mjs';
import { peers } from './peers/registry.mjs';
import { meet } from './peers/session.mjs';
import { formatTable } from './peers/table.mjs';

const { values: options, positionals: [kith, ...named] } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean' }, times: { type: 'string' }, 'at-once': { type: 'string', default: '6' } },
});
const times = Number(options.times ?? (options.long ? 3 : 1));
const watchMs = options.long ? 35000 : 3000;
const ages = options.long ? [0, 5, 30, 60] : [0, 5];
const columns = [0, 100, 500].flatMap(delay =>
  ages.map(age => ({ delay, age, group: `signals ${delay} ms late`, name: `${age} s` })));

// The outcome of this many restarts of one kind: of the first that is lost, or ok.
async function restart(lab, { delay, age }, kithOffers, by) {
  try {
    await meet(kith, lab, { kithOffers, delay }, async session => {
      await session.echo('before the restart');
      await sleep(age * 1000);
      await session.restart(by);
      await session.echoFor(watchMs);
      session.assertNeverDisconnected();
    });
    return { verdict: 'ok' };
  } catch (error) {
    return { verdict: 'failed', why: error.message.split('\n')[0].slice(0, 200), error };
  }
}

// Runs the tasks, a few at once.
async function runAll(tasks, atOnce) {
  const waiting = tasks.values();
  const worker = async () => {
    for (const task of waiting) await task();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function rowsOf(name) {
  const peer = peers[name];
  const missing = peer.missing();
  if (missing) return [{ title: name, missing }];
  const lab = await peer.open();
  const rows = [];
  const tasks = [];
  for (const by of ['ours', 'theirs']) {
    for (const kithOffers of [true, false]) {
      const title = `${name} ${kithOffers ? 'answered' : 'offered'}, ${by === 'ours' ? 'kith' : 'it'} restarts`;
      const results = columns.map(() => ({ verdict: 'ok' }));
      rows.push({ title, results });
      columns.forEach((column, index) => {
        for (let time = 0; time < times; time++) tasks.push(async () => {
          const outcome = await restart(lab, column, kithOffers, by);
          console.error(`${title}, ${column.group}, ${column.name} old: ${outcome.verdict}`);
          if (outcome.error) console.error(outcome.error.stack);
          if (outcome.verdict !== 'ok') results[index] = outcome;
        });
      });
    }
  }
  await runAll(tasks, Number(options['at-once']));
  await lab.close();
  return rows;
}

const rows = [];
for (const name of named.length ? named : ['chromium', 'firefox']) rows.push(...await rowsOf(name));
console.log(formatTable(columns, rows));
if (rows.every(({ missing }) => missing)) skip('no browser is installed');
process.exit(rows.some(({ results = [] }) => results.some(({ verdict }) => verdict !== 'ok')) ? 1 : 0);
