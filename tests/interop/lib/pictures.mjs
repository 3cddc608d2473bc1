// Whether what a file or a program made is what was sent, outside a page: FFmpeg decodes, and pictures are made as small
// as lib/recognise.mjs makes them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { strongestTone } from './recognise.mjs';

const SIZE = 16 * 12 * 4;

// What FFmpeg writes, which must have no word about an error. `milliseconds`: it is ended then.
async function ffmpeg(args, milliseconds = 30000) {
  const child = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...args, '-'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  const parts = [];
  let complaints = '';
  child.stdout.on('data', part => parts.push(part));
  child.stderr.on('data', text => (complaints += text));
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  clearTimeout(timer);
  return { output: Buffer.concat(parts), complaints, status };
}

// The frames of an input of FFmpeg (its options and its name), 16 x 12, four bytes a pixel.
export async function picturesOf(input, output = [], milliseconds) {
  const { output: bytes, complaints, status } = await ffmpeg(
    [...input, ...output, '-vf', 'format=gbrp,scale=16:12:flags=area', '-vsync', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'rgba'], milliseconds);
  assert.ok(status === 0 && bytes.length >= SIZE, `${input.join(' ')}: ${status} ${complaints}`);
  return Array.from({ length: bytes.length / SIZE }, (_, i) => bytes.subarray(i * SIZE, (i + 1) * SIZE));
}

// The strongest tone of a file.
export async function toneOf(path) {
  const { output, complaints } = await ffmpeg(['-i', path, '-ac', '1', '-ar', '48000', '-f', 'f32le']);
  assert.equal(complaints, '', path);
  const samples = new Float32Array(output.length >> 2);
  samples.forEach((_, i) => (samples[i] = output.readFloatLE(i * 4)));
  return strongestTone(samples, 48000);
}

// The mean difference of the two pictures, one of each list, that are most alike, of 255.
function least(some, others) {
  let found = 255;
  for (const a of some)
    for (const b of others) {
      let sum = 0;
      for (let i = 0; i < SIZE; i++) if (i % 4 < 3) sum += Math.abs(a[i] - b[i]);
      found = Math.min(found, sum / (16 * 12 * 3));
    }
  return found;
}

const contrast = picture => {
  const values = [...picture].filter((_, i) => i % 4 < 3);
  return Math.max(...values) - Math.min(...values);
};

// `seen` shows what `sent` does, and is no empty picture.
export function assertAlike(seen, sent, what) {
  const difference = least(seen, sent);
  const most = Math.max(...seen.map(contrast));
  assert.ok(difference < 12, `${what}: it differs by ${difference} of 255`);
  assert.ok(most > 60, `${what}: its contrast is ${most}`);
}
