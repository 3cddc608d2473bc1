// `kith serve` on a free port.
import readline from 'node:readline';
import { start, stop } from './children.mjs';
import { within } from './wait.mjs';

// { url: 'http://127.0.0.1:PORT/', stop(), kill(signal) }
export async function startServe(kith, ...options) {
  const child = start(kith, ['serve', '--listen', '127.0.0.1:0', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = readline.createInterface({ input: child.stdout });
  const ready = new Promise((resolve, reject) => {
    lines.on('line', line => {
      const found = /^kith serve: open (http:\S+)$/.exec(line);
      if (found) resolve(found[1]);
    });
    child.exited.then(code => reject(new Error(`kith serve exited with ${code}: ${child.stderrText()}`)), reject);
  });
  const url = await within(10000, 'kith serve', ready, child.stderrText);
  return {
    url,
    log: child.stderrText,
    async kill(signal) {
      process.kill(child.pid, signal);
      await child.exited;
      await stop(child);
    },
    // Asks it to end; its exit status.
    async stop() {
      process.kill(child.pid, 'SIGTERM');
      try {
        return await within(10000, 'kith serve to exit', child.exited);
      } finally {
        await stop(child);
      }
    },
  };
}
