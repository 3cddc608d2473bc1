// Child processes and temporary folders that never outlive the test. A browser is a tree of processes: each child leads a
// process group of its own, and the whole group is killed when the test ends, however it ends.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const running = new Set();
const folders = new Set();

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it is gone already
  }
}

process.on('exit', () => {
  running.forEach(child => kill(child, 'SIGKILL'));
  folders.forEach(removeFolder);
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));

// A new folder, removed when the test ends, however it ends, if not before.
export function temporaryFolder(prefix) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

// A process that was killed may still be writing there.
export function removeFolder(folder) {
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}

// As child_process.spawn; child.exited resolves to its exit status (null after a signal), child.stderrText() gives
// the last part of what it complained of.
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options, detached: true });
  running.add(child);
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', text => (complaints = (complaints + text).slice(-20000)));
  child.stderrText = () => complaints;
  child.exited = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', code => resolve(code));
  });
  child.exited.catch(() => {}); // who asks will be told
  return child;
}

// Ends the whole group at once and waits until its leader is gone.
export async function stop(child) {
  kill(child, 'SIGKILL');
  await child.exited.catch(() => {});
  running.delete(child);
}
