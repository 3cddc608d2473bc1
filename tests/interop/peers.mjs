// kith against all other stacks, as one table: a row for each peer and role, a column for each check (peers/checks.mjs).
//
//     lib/netns.sh node peers.mjs KITH [--quick] [--check WORDS]... [PEER]...
//
// All peers unless some are named; --quick leaves out what repeats another check in a slower way; --check takes the
// checks whose name contains the words. Ends with 1 when kith fails in a cell, with 77 when no peer is installed. A peer's
// known fault (peers/registry.mjs) excuses the failure that it explains and no other.
import { parseArgs } from 'node:util';
import { skip } from './lib/browsers.mjs';
import { checks, nameOf, Unable } from './peers/checks.mjs';
import { peers } from './peers/registry.mjs';
import { meet } from './peers/session.mjs';
import { formatTable } from './peers/table.mjs';

const { values: options, positionals: [kith, ...named] } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, check: { type: 'string', multiple: true, default: [''] } },
});
const unknown = named.find(name => !peers[name]);
if (!kith || unknown) throw new Error(unknown ? `no peer is called ${unknown}` : 'usage: peers.mjs KITH [PEER]...');
const wanted = checks.filter(check =>
  (check.quick || !options.quick) && options.check.some(words => nameOf(check).includes(words)));

// What the registry says of this peer and check: its entries.
const entries = (list = [], check, role) => list.filter(({ checks: names, roles = ['offers', 'answers'] }) =>
  names.test(nameOf(check)) && roles.includes(role));

async function attempt(lab, check, role) {
  const context = { kithOffers: role === 'offers' };
  const how = typeof check.options === 'function' ? check.options(context) : check.options;
  await meet(kith, lab, { ...context, ...how }, session => check.run(session, context));
}

async function result(peer, lab, check, role) {
  if (check.only && check.only !== role) return { verdict: 'none' };
  const [cannot] = entries(peer.cannot, check, role);
  if (cannot) return { verdict: 'unable', why: cannot.why };
  const faults = entries(peer.faults, check, role);
  try {
    await attempt(lab, check, role);
    return faults.length ? { verdict: 'spared', why: faults[0].why } : { verdict: 'ok' };
  } catch (error) {
    if (error instanceof Unable) return { verdict: 'unable', why: error.why };
    const fault = faults.find(entry => entry.error.test(error.message));
    if (fault) return { verdict: 'theirs', why: fault.why, error };
    return { verdict: 'failed', why: error.message.split('\n')[0].slice(0, 200), error };
  }
}

async function rowsOf(name) {
  const peer = peers[name];
  const missing = peer.missing();
  if (missing) return [{ title: name, missing }];
  const lab = await peer.open();
  const rows = [];
  for (const role of ['offers', 'answers']) {
    const title = `${name}, kith ${role}`;
    const results = [];
    for (const check of wanted) {
      const began = performance.now();
      const outcome = await result(peer, lab, check, role);
      const time = `${Math.round(performance.now() - began)} ms`;
      if (outcome.verdict !== 'none') console.error(`${title}: ${nameOf(check)}: ${outcome.verdict} (${time})`);
      if (outcome.error) console.error(outcome.error.stack ?? outcome.error);
      results.push(outcome);
    }
    rows.push({ title, results });
  }
  await lab.close();
  return rows;
}

const rows = [];
for (const name of named.length ? named : Object.keys(peers)) rows.push(...await rowsOf(name));
console.log(formatTable(wanted, rows));
if (rows.every(({ missing }) => missing)) skip('none of the peers is installed');
process.exit(rows.some(({ results = [] }) => results.some(({ verdict }) => verdict === 'failed')) ? 1 : 0);
