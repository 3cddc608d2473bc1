// The browsers that tests run in, by name; and the exit status that tells meson of a skipped test.
import fs from 'node:fs';
import { launchChromium } from './chromium.mjs';

export const browsers = {
  chromium: {
    binary: process.env.CHROMIUM ?? '/usr/lib/chromium/chromium',
    launch: options => launchChromium(options),
  },
  firefox: {
    binary: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    launch: async options => (await import('./firefox.mjs')).launchFirefox(options),
  },
};

export function skip(words) {
  console.log(`skipped: ${words}`);
  process.exit(77);
}

// Skips the whole test where it is not installed.
export function browserNamed(name) {
  const browser = browsers[name];
  if (!browser) throw new Error(`no browser is called ${name}`);
  if (!fs.existsSync(browser.binary)) skip(`${name} is not installed (${browser.binary})`);
  return browser;
}
