/** Numbers as people read them, the same in the view, the trees, the code and the terminal. In English, like all texts. */

const locale = 'en-US';
const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
const significant = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
const precise = new Intl.NumberFormat(locale, { maximumSignificantDigits: 5, signDisplay: 'negative' });

/** The minus sign of typography, so that negative scores line up with tabular figures. */
function withMinus(text: string): string {
  return text.replace(/^-/u, '−');
}

/** "2,000", rounded to a whole number. */
export function formatCount(count: number): string {
  return integer.format(count);
}

/** "1 sample", "2,000 samples". */
export function formatQuantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${integer.format(count)} ${count === 1 ? singular : plural}`;
}

/** "42%" of a share of 0.42. */
export function formatPercent(share: number): string {
  return percent.format(share);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // 999.6 would be printed as 1,000: it belongs to the next unit already.
  while (Number(rest.toPrecision(3)) >= step && unit < units.length - 1) {
    rest /= step;
    unit += 1;
  }
  return `${significant.format(rest)}${units[unit] ?? ''}`;
}

/** Parameters of a network: 61, 44.4 K, 11.2 M, 6.9 B. */
export function formatParameters(parameters: number): string {
  return scaled(parameters, 1000, ['', ' K', ' M', ' B', ' T']);
}

/** File sizes in decimal units, as file managers show them. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1000, [' B', ' KB', ' MB', ' GB', ' TB']);
}

/** Time per sample, from microseconds to seconds. */
export function formatLatency(milliseconds: number): string {
  return scaled(milliseconds * 1000, 1000, [' µs', ' ms', ' s']);
}

/** A measured duration: 0.42 s, 12.3 s, 3 min 20 s, 1 h 5 min. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${significant.format(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An estimate, rounded to what it is worth. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 5) return 'a few seconds left';
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 3600) return `about ${Math.max(1, Math.round(seconds / 60))} min left`;
  return `about ${formatCount(Math.round(seconds / 360) / 10)} h left`;
}

/** A time in ISO 8601 as date and time of day where it is read. */
export function formatMoment(isoTime: string): string {
  return new Date(isoTime).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
}

/** A single number with enough digits to compare it, whatever its size. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) return withMinus(value.toExponential(3));
  return withMinus(precise.format(value));
}

/** A fixed number of decimals in ASCII, for tables in a terminal; what rounds to nothing has no sign. */
export function formatFixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? (0).toFixed(decimals) : text;
}

/** What stands behind ± for an interval. */
export function halfWidth(interval: readonly [number, number]): number {
  return Math.abs(interval[1] - interval[0]) / 2;
}

export type ScoreFormat = (score: number) => string;

/**
 * One number of decimals for a whole column of scores: two significant digits of the typical half-width of their
 * intervals, since the digits after those say nothing; between 2 and 4 decimals for scores of the order of 1.
 */
export function scoreFormat(
  candidates: readonly { score: number; interval: readonly [number, number] }[],
): ScoreFormat {
  const widths = candidates
    .map((candidate) => halfWidth(candidate.interval))
    .filter((width) => width > 0)
    .sort((a, b) => a - b);
  const typical = widths[Math.floor(widths.length / 2)];
  const largest = Math.max(0, ...candidates.map((candidate) => Math.abs(candidate.score)));
  const fewest = largest >= 1000 ? 0 : largest >= 10 ? 1 : 2;
  const decimals =
    typical === undefined ? 3 : Math.min(Math.max(1 - Math.floor(Math.log10(typical)), fewest), fewest + 2);
  const format = new Intl.NumberFormat(locale, {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    // What rounds to nothing has no sign.
    signDisplay: 'negative',
  });
  return (score) => withMinus(format.format(score));
}
