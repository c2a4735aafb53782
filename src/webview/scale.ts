/** Maps values to positions in per cent of the drawing's width (or height). */
export interface Scale {
  min: number;
  max: number;
  ticks: number[];
  /** Position of a value, held to 0…100. */
  at: (value: number) => number;
}

function position(value: number, min: number, max: number): number {
  return Math.min(100, Math.max(0, ((value - min) / (max - min)) * 100));
}

/** The step of 1, 2 or 5 times a power of ten that cuts the span into about as many parts as wanted. */
function niceStep(span: number, parts: number): number {
  const raw = span / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

/** A linear scale that holds every value, with ticks at round numbers inside it. */
export function linearScale(values: readonly number[], parts = 4): Scale {
  let min = values.length === 0 ? 0 : values.reduce((a, b) => Math.min(a, b));
  let max = values.length === 0 ? 1 : values.reduce((a, b) => Math.max(a, b));
  const magnitude = Math.max(Math.abs(min), Math.abs(max));
  // No span that a step of round numbers could cut: room around the value instead. The powers of ten of subnormal
  // numbers are not exact, so those count as 0.
  if (max - min <= Math.max(magnitude * 1e-12, 1e-290)) {
    const room = magnitude > 1e-290 ? magnitude * 0.1 : 0.5;
    min -= room;
    max += room;
  }
  const step = niceStep(max - min, parts);
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => {
    const tick = (first + index) * step;
    return decimals > 15 ? tick : Number(tick.toFixed(decimals));
  });
  return { min, max, ticks, at: (value) => position(value, min, max) };
}

/** A logarithmic scale over positive values, with ticks at 1, 2 and 5 times the powers of ten. */
export function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  let min = positive.length === 0 ? 1 : positive.reduce((a, b) => Math.min(a, b));
  let max = positive.length === 0 ? 10 : positive.reduce((a, b) => Math.max(a, b));
  const room = Math.max((max / min) ** 0.06, 1.25);
  min /= room;
  max *= room;
  const decades = Math.log10(max / min);
  const leads = decades > 3 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power += 1) {
    for (const lead of leads) {
      const tick = lead * 10 ** power;
      if (tick >= min && tick <= max) ticks.push(tick);
    }
  }
  return { min, max, ticks, at: (value) => position(Math.log(value), Math.log(min), Math.log(max)) };
}
