// A browser as a peer of the table: one browser for all connections, because it is slow to start, and a page for each
// connection that lives at the same time.
import fs from 'node:fs';
import http from 'node:http';
import { browsers } from '../lib/browsers.mjs';
import { PageAgent } from '../lib/page-agent.mjs';

// An empty page of its own origin: about:blank has no WebRTC permissions to speak of in Firefox.
async function serveEmptyPage() {
  const server = http.createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export class BrowserLab {
  #idlePages = [];

  static peer(name) {
    const { binary, launch } = browsers[name];
    return {
      missing: () => (fs.existsSync(binary) ? undefined : `${binary} (tools/setup.sh --tests)`),
      open: async () => {
        const lab = new BrowserLab();
        lab.server = await serveEmptyPage();
        lab.browser = await launch({ hideAddresses: false });
        return lab;
      },
    };
  }

  async page() {
    return this.#idlePages.pop() ?? this.browser.open(`http://127.0.0.1:${this.server.address().port}/`);
  }

  async start(options) {
    const page = await this.page();
    return PageAgent.start(page, options, () => this.#idlePages.push(page));
  }

  async close() {
    await this.browser.close();
    this.server.close();
  }
}
