// Runs in a page: tells whether a picture or a tone is the one that was sent. Each is a function of its own, for
// page.evaluate.

// The mean difference of two pictures, of 255, both made small; of several looks the least, since what comes back is some
// frames late. `contrast` is how much the picture has of black and white, or of colour.
export async function comparePictures(ours, theirs, looks = 30) {
  const [own, other] = [document.querySelector(ours), document.querySelector(theirs)];
  const pen = Object.assign(document.createElement('canvas'), { width: 16, height: 12 }).getContext('2d', { willReadFrequently: true });
  const look = video => {
    pen.drawImage(video, 0, 0, 16, 12);
    return pen.getImageData(0, 0, 16, 12).data;
  };
  const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / (16 * 12 * 3);
  const sent = [];
  let least = 255;
  let contrast = 0;
  for (let i = 0; i < looks; i++) {
    sent.push(look(own));
    const came = look(other);
    contrast = Math.max(contrast, Math.max(...came.filter((_, at) => at % 4 < 3)) - Math.min(...came.filter((_, at) => at % 4 < 3)));
    least = Math.min(least, ...sent.map(picture => difference(picture, came)));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return { least, contrast };
}

// Some looks at a video, each 16 x 12, four bytes a pixel, which are the means of what is there.
export async function looksAt(selector, looks = 10) {
  const video = document.querySelector(selector);
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const look = () => {
    const [width, height] = [(pen.canvas.width = video.videoWidth), (pen.canvas.height = video.videoHeight)];
    pen.drawImage(video, 0, 0);
    const { data } = pen.getImageData(0, 0, width, height);
    const [sums, counts] = [new Float64Array(16 * 12 * 4), new Float64Array(16 * 12 * 4)];
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
      const at = (Math.floor((y * 12) / height) * 16 + Math.floor((x * 16) / width)) * 4 + (i & 3);
      sums[at] += data[i];
      counts[at]++;
    }
    return [...sums].map((sum, at) => Math.round(sum / counts[at]));
  };
  const seen = [];
  for (let i = 0; i < looks; i++) {
    seen.push(look());
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  return seen;
}

// The strongest frequency in the loudest part of some samples, and its loudness (1 is full scale).
export function strongestTone(samples, sampleRate) {
  const size = 4096;
  const power = at => samples.subarray(at, at + size).reduce((sum, sample) => sum + sample * sample, 0) / size;
  let loudest = 0;
  for (let at = 0; at + size <= samples.length; at += 512) if (power(at) > power(loudest)) loudest = at;
  const part = samples.subarray(loudest, loudest + size);
  const strength = frequency => {
    let [real, imaginary] = [0, 0];
    part.forEach((sample, i) => {
      const angle = (2 * Math.PI * frequency * i) / sampleRate;
      real += sample * Math.cos(angle);
      imaginary += sample * Math.sin(angle);
    });
    return real * real + imaginary * imaginary;
  };
  let best = { frequency: 0, strength: 0 };
  for (let frequency = 100; frequency <= 4000; frequency += 10) {
    const found = strength(frequency);
    if (found > best.strength) best = { frequency, strength: found };
  }
  return { frequency: best.frequency, loudness: Math.sqrt(power(loudest)) };
}

// By recording and decoding, for which no sound device is needed.
async function hear(track, milliseconds, strongest) {
  const recorder = new MediaRecorder(new MediaStream([track]));
  const parts = [];
  const ended = new Promise(resolve => (recorder.onstop = resolve));
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  await new Promise(resolve => setTimeout(resolve, milliseconds));
  recorder.stop();
  await ended;
  const recorded = await new Blob(parts).arrayBuffer();
  const decoded = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(recorded);
  return strongest(decoded.getChannelData(0), decoded.sampleRate);
}

// The text of a function of the page: the strongest tone of a track in some milliseconds.
export const findTone = `((track, milliseconds) => (${hear})(track, milliseconds, ${strongestTone}))`;
