// A picture that counts its frames: sixteen squares, black or white, along its top. What of it arrives at the other end
// can be told frame by frame. Runs in a page: window.counter is { stream, sent(), watch(track), seen, stop(), start() }.
export function installCounter({ width = 640, height = 480, rate = 20, noise = 0 } = {}) {
  const BITS = 16;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const pen = canvas.getContext('2d');
  const size = width / BITS;
  let number = 0;
  let random = 1;
  const draw = () => {
    number++;
    // What it costs is to be like a picture's: some of its squares change with each frame.
    for (let i = 0; i < noise; i++) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      pen.fillStyle = `hsl(${random >>> 23} 60% ${30 + ((random >>> 8) % 40)}%)`;
      pen.fillRect(((random >>> 4) % 40) * (width / 40), size + ((random >>> 12) % 30) * ((height - size) / 30), width / 40, height / 30);
    }
    for (let bit = 0; bit < BITS; bit++) {
      pen.fillStyle = (number >> bit) & 1 ? '#fff' : '#000';
      pen.fillRect(bit * size, 0, size, size);
    }
    stream.getVideoTracks()[0].requestFrame?.();
    stream.requestFrame?.();
  };
  const stream = canvas.captureStream(0);
  let timer;
  const start = () => { timer = setInterval(draw, 1000 / rate); };
  start();
  const small = Object.assign(document.createElement('canvas'), { width: BITS * 4, height: 4 }).getContext('2d', { willReadFrequently: true });
  const read = image => {
    const scale = (image.videoWidth ?? image.displayWidth) / width;
    small.drawImage(image, 0, 0, width * scale, size * scale, 0, 0, BITS * 4, 4);
    const { data } = small.getImageData(0, 0, BITS * 4, 4);
    let found = 0;
    for (let bit = 0; bit < BITS; bit++) found |= (data[(BITS * 4 * 2 + bit * 4 + 2) * 4] > 127 ? 1 : 0) << bit;
    return found;
  };
  const seen = [];
  const note = image => seen.push({ number: read(image), time: performance.now() });
  // Every frame that was decoded; where there is no MediaStreamTrackProcessor, every frame that was shown.
  const watch = async track => {
    if (window.MediaStreamTrackProcessor) {
      const reader = new MediaStreamTrackProcessor({ track: track.clone(), maxBufferSize: 300 }).readable.getReader();
      for (let next; !(next = await reader.read()).done; next.value.close()) note(next.value);
      return;
    }
    const video = document.body.appendChild(document.createElement('video'));
    Object.assign(video, { muted: true, autoplay: true, srcObject: new MediaStream([track]) });
    const look = () => { note(video); video.requestVideoFrameCallback(look); };
    video.requestVideoFrameCallback(look);
  };
  draw();
  window.counter = { stream, sent: () => number, watch, seen, start, stop: () => clearInterval(timer) };
}
