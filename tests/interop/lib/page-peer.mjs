// Another page in the place of a program: a browser calls itself as lib/call.mjs has it call a program.
import { install } from './call.mjs';
import { installCounter } from './counter.mjs';

export class PagePeer {
  #page;

  static async open(browser, origin, counter) {
    const peer = new PagePeer();
    peer.#page = await browser.open(origin.url);
    if (counter) await peer.#page.evaluate(installCounter, counter);
    await peer.#page.evaluate(install, { offers: false });
    return peer;
  }

  send(signal) {
    this.#page.evaluate(said => window.call.hear(said), signal).catch(() => {});
  }

  // It says nothing but signals.
  async listen(_, handle) {
    try {
      for (;;) (await this.#page.evaluate(() => window.call.take())).forEach(handle);
    } catch {
      // the page is gone
    }
  }

  close() {
    return this.#page.evaluate(() => {
      window.counter?.stop();
      window.call.pc.close();
      window.call.media.getTracks().forEach(track => track.stop());
    });
  }
}
