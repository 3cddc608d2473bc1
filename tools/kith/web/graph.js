// A live line graph on a canvas: series of (time, value). The axis of time grows with what there is up to a window, which
// slides from then on. The scale fits what is to be seen: from zero to a round number, or, logarithmic, whole decades.

const TOP = 16; // room for the scale's words
const SMALL = 80; // px of height, below which the middle is not marked
const SHORTEST = 2000; // ms of the axis of time

const roundUp = (value) => {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => value <= step);
};

const linear = (values, isSmall) => {
  const max = roundUp(Math.max(...values) * 1.02 || 1);
  return { marks: isSmall ? [0, max] : [0, max / 2, max], place: (value) => value / max };
};

const decades = (values) => {
  const low = Math.floor(Math.log10(Math.max(Math.min(...values), 0.01)));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(...values, 0.01))));
  const marks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { marks, place: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low) };
};

export class Graph {
  // series: [{ color: '--css-variable' }]; format(value) is a mark of the scale in words.
  constructor(canvas, { series, seconds, format, logarithmic = false }) {
    this.canvas = canvas;
    this.series = series.map((s) => ({ ...s, points: [] }));
    this.window = seconds * 1000;
    this.format = format;
    this.makeScale = logarithmic ? decades : linear;
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
    pen.scale(ratio, ratio);
    const points = this.series.flatMap((s) => s.points);
    const values = points.map((p) => p.value);
    const scale = values.length > 0 ? this.makeScale(values, height < SMALL) : { marks: [0], place: () => 0 };
    const times = points.map((p) => p.time);
    const now = Math.max(0, ...times);
    const span = Math.max(SHORTEST, now - Math.min(now, ...times));
    const frame = {
      pen, width, height, scale,
      style: getComputedStyle(this.canvas),
      x: (p) => width - ((now - p.time) / span) * width,
      y: (value) => height - 1 - scale.place(value) * (height - TOP),
    };
    this.drawLines(frame);
    for (const s of this.series) this.drawSeries(frame, s);
    if (values.length > 0) this.drawWords(frame);
  }

  drawLines({ pen, style, width, scale, y }) {
    pen.strokeStyle = style.getPropertyValue('--rule');
    for (const mark of scale.marks) {
      const line = Math.round(y(mark)) + 0.5;
      pen.beginPath();
      pen.moveTo(0, line);
      pen.lineTo(width, line);
      pen.stroke();
    }
  }

  // On top of what is drawn, each in a halo.
  drawWords({ pen, style, scale, y }) {
    pen.font = `11px ${style.getPropertyValue('--sans')}`;
    pen.fillStyle = style.getPropertyValue('--soft');
    pen.strokeStyle = style.getPropertyValue('--card');
    pen.lineWidth = 4;
    for (const mark of scale.marks.slice(1)) {
      pen.strokeText(this.format(mark), 2, Math.round(y(mark)) - 3.5);
      pen.fillText(this.format(mark), 2, Math.round(y(mark)) - 3.5);
    }
  }

  drawSeries({ pen, style, height, x, y }, { color, points }) {
    if (points.length < 2) return;
    const trace = () => {
      pen.beginPath();
      points.forEach((p, i) => (i ? pen.lineTo(x(p), y(p.value)) : pen.moveTo(x(p), y(p.value))));
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
