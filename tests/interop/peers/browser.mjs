// A browser as a peer of the table: one browser and one page for all connections, because both are slow to start.
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
  static peer(name) {
    const { binary, launch } = browsers[name];
    return {
      missing: () => (fs.existsSync(binary) ? undefined : `${binary} (tools/setup.sh --tests)`),
      open: async () => {
        const lab = new BrowserLab();
        lab.server = await serveEmptyPage();
        lab.browser = await launch({ hideAddresses: false });
        lab.page = await lab.browser.open(`http://127.0.0.1:${lab.server.address().port}/`);
        return lab;
      },
    };
  }

  start(options) {
    return PageAgent.start(this.page, options);
  }

  async close() {
    await this.browser.close();
    this.server.close();
  }
}
