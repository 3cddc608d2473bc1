// Writes what Chromium answers to each offer of tests/data/sdp, which tests/unit/pc/test_corpus.c compares with kith's
// answers. To be run by hand when there is another Chromium, in a network namespace of its own:
//
//     tests/interop/lib/netns.sh node tests/interop/answers.mjs tests/data/sdp
import fs from 'node:fs';
import path from 'node:path';
import { browserNamed } from './lib/browsers.mjs';

// In the page: the answer of a fresh peer that has nothing to send, or the name of its error.
async function answerTo(sdp) {
  const pc = new RTCPeerConnection();
  try {
    await pc.setRemoteDescription({ type: 'offer', sdp });
    return (await pc.createAnswer()).sdp;
  } catch (error) {
    return `${error.name}\r\n`;
  } finally {
    pc.close();
  }
}

const folder = process.argv[2];
const answers = path.join(folder, 'chromium-answers');
const offers = [
  ...fs.readdirSync(folder).filter(name => /offer.*\.sdp$/.test(name)),
  ...fs.readdirSync(path.join(folder, 'odd')).map(name => path.join('odd', name)),
].filter(name => !/answer/.test(name));
const browser = await browserNamed('chromium').launch();
try {
  const page = await browser.open();
  fs.mkdirSync(answers, { recursive: true });
  for (const name of offers) {
    const answer = await page.evaluate(answerTo, fs.readFileSync(path.join(folder, name), 'utf8'));
    fs.writeFileSync(path.join(answers, path.basename(name)), answer);
  }
  console.log(`${browser.name}: ${offers.length} answers`);
} finally {
  await browser.close();
}
