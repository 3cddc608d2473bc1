// A live line graph on a canvas: series of (time, value) over a sliding window, with a scale that breathes.

const niceStep = (max) => {
  const power = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => max <= step);
};

export class Graph {
  // series: [{ color: '--css-variable' }]; format(value) labels the scale.
  constructor(canvas, { series, seconds, format }) {
    this.canvas = canvas;
    this.series = series.map((s) => ({ ...s, points: [] }));
    this.window = seconds * 1000;
    this.format = format;
    this.scale = 0;
    this.frame = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  add(index, value, time = performance.now()) {
    const { points } = this.series[index];
    points.push({ time, value });
    while (points[0].time < time - this.window) points.shift();
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext('2d');
    const style = getComputedStyle(this.canvas);
    pen.scale(ratio, ratio);
    const max = Math.max(0, ...this.series.flatMap((s) => s.points.map((p) => p.value)));
    this.scale = max > 0 ? niceStep(max * 1.05) : 0;
    this.drawScale(pen, style, width, height);
    if (this.scale === 0) return;
    const now = Math.max(...this.series.flatMap((s) => s.points.map((p) => p.time)));
    for (const s of this.series) this.drawSeries(pen, style, s, { now, width, height });
  }

  drawScale(pen, style, width, height) {
    pen.strokeStyle = style.getPropertyValue('--rule');
    pen.fillStyle = style.getPropertyValue('--soft');
    pen.font = `11px ${style.getPropertyValue('--sans')}`;
    for (const part of [0, 0.5, 1]) {
      const y = Math.round(height - 1 - part * (height - 16)) + 0.5;
      pen.beginPath();
      pen.moveTo(0, y);
      pen.lineTo(width, y);
      pen.stroke();
      if (this.scale > 0 && part > 0) pen.fillText(this.format(this.scale * part), 2, y - 4);
    }
  }

  drawSeries(pen, style, { color, points }, { now, width, height }) {
    if (points.length < 2) return;
    const x = (p) => width - ((now - p.time) / this.window) * width;
    const y = (p) => height - 1 - (p.value / this.scale) * (height - 16);
    const trace = () => {
      pen.beginPath();
      points.forEach((p, i) => (i ? pen.lineTo(x(p), y(p)) : pen.moveTo(x(p), y(p))));
    };
    pen.strokeStyle = pen.fillStyle = style.getPropertyValue(color);
    trace();
    pen.lineTo(x(points.at(-1)), height);
    pen.lineTo(x(points[0]), height);
    pen.globalAlpha = 0.13;
    pen.fill();
    pen.globalAlpha = 1;
    trace();
    pen.lineWidth = 1.75;
    pen.lineJoin = 'round';
    pen.stroke();
  }
}
