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

// The strongest frequency of a track in the loudest part of some milliseconds, and its loudness (1 is full scale). By
// recording and decoding, for which no sound device is needed.
export async function findTone(track, milliseconds) {
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
  const samples = decoded.getChannelData(0);
  const size = 4096;
  const power = at => samples.subarray(at, at + size).reduce((sum, sample) => sum + sample * sample, 0) / size;
  let loudest = 0;
  for (let at = 0; at + size <= samples.length; at += 512) if (power(at) > power(loudest)) loudest = at;
  const part = samples.subarray(loudest, loudest + size);
  const strength = frequency => {
    let [real, imaginary] = [0, 0];
    part.forEach((sample, i) => {
      const angle = (2 * Math.PI * frequency * i) / decoded.sampleRate;
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
