import { html, nothing, svg, type TemplateResult } from 'lit';
import { formatLatency, formatNumber } from '../protocol/format.ts';
import type { Candidate } from '../protocol/report.ts';
import { intervalText, type ScoreAxis } from './chart.ts';
import { linearScale, logScale } from './scale.ts';

const width = 760;
const height = 300;
const plot = { left: 52, right: 744, top: 14, bottom: 252 };
const labelHeight = 14;
/** Width of an average letter at the label's size; labels only have to be kept off each other roughly. */
const letterWidth = 6.6;
const longestLabel = 28;

/** Candidates that no other beats in both score and inference time, fastest first. */
export function paretoFront(candidates: readonly Candidate[]): Candidate[] {
  const front: Candidate[] = [];
  for (const candidate of candidates.toSorted((a, b) => a.latencyMs - b.latencyMs || b.score - a.score)) {
    const leader = front.at(-1);
    if (leader === undefined || candidate.score > leader.score) front.push(candidate);
  }
  return front;
}

interface Box {
  left: number;
  right: number;
  y: number;
}

interface Label extends Box {
  text: string;
}

/** Places a label over each point where it keeps clear of those already placed; leaves out those that find no room. */
export function placeLabels(points: readonly { x: number; y: number; name: string }[]): Label[] {
  const placed: Label[] = [];
  for (const { x, y, name } of points) {
    const text = name.length > longestLabel ? `${name.slice(0, longestLabel - 1)}…` : name;
    const half = (text.length * letterWidth) / 2;
    const middle = Math.min(Math.max(x, plot.left + half), plot.right - half);
    for (const candidateY of [y - 9, y + 19]) {
      const label = { left: middle - half, right: middle + half, y: candidateY, text };
      const free = placed.every(
        (other) =>
          Math.abs(other.y - label.y) >= labelHeight || other.right + 4 < label.left || label.right + 4 < other.left,
      );
      if (free && label.y > labelHeight && label.y < plot.bottom) {
        placed.push(label);
        break;
      }
    }
  }
  return placed;
}

/** Score against inference time: is the best worth its time, and which candidates are beaten in both? */
export function scatterChart(
  candidates: readonly Candidate[],
  bestIds: ReadonlySet<string>,
  axis: ScoreAxis,
): TemplateResult | typeof nothing {
  const timed = candidates.filter((candidate) => candidate.latencyMs > 0);
  if (timed.length < 2) return nothing;
  const time = logScale(timed.map((candidate) => candidate.latencyMs));
  const scores = linearScale(timed.map((candidate) => candidate.score));
  const x = (latency: number): number => plot.left + ((plot.right - plot.left) * time.at(latency)) / 100;
  // A little room keeps the outermost dots off the frame.
  const y = (score: number): number => plot.bottom - 14 - ((plot.bottom - plot.top - 32) * scores.at(score)) / 100;
  const front = paretoFront(timed);
  const corners = front.map((candidate, index) => {
    const previous = front[index - 1];
    const foot = y(previous === undefined ? candidate.score : previous.score);
    return `${x(candidate.latencyMs).toFixed(1)},${foot.toFixed(1)} ${x(candidate.latencyMs).toFixed(1)},${y(candidate.score).toFixed(1)}`;
  });
  const labels = placeLabels(
    front
      .toSorted((a, b) => b.score - a.score)
      .map((one) => ({ x: x(one.latencyMs), y: y(one.score), name: one.name })),
  );
  const summary = front
    .map((one) => `${one.name}: score ${axis.format(one.score)} at ${formatLatency(one.latencyMs)}`)
    .join('; ');
  return html`<figure class="scatter">
    <figcaption>
      <h3>Score and inference time</h3>
      <span class="muted">The line joins the candidates that no other beats in both.</span>
    </figcaption>
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="scatter-title scatter-summary">
      <title id="scatter-title">Score against inference time per sample</title>
      <desc id="scatter-summary">Not beaten in both, fastest first: ${summary}.</desc>
      ${scores.ticks.map(
        (tick) => svg`<line class="grid" x1=${plot.left} x2=${plot.right} y1=${y(tick)} y2=${y(tick)} />
          <text class="tick" x=${plot.left - 8} y=${y(tick) + 4} text-anchor="end">${formatNumber(tick)}</text>`,
      )}
      ${time.ticks.map(
        (tick) => svg`<line class="grid" x1=${x(tick)} x2=${x(tick)} y1=${plot.top} y2=${plot.bottom} />
          <text class="tick" x=${x(tick)} y=${plot.bottom + 18} text-anchor="middle">${formatLatency(tick)}</text>`,
      )}
      <text class="tick" x=${(plot.left + plot.right) / 2} y=${height - 8} text-anchor="middle">inference time per sample (log scale)</text>
      <polyline class="front" points=${corners.join(' ')} />
      ${timed.map(
        (
          one,
        ) => svg`<circle class="dot ${bestIds.has(one.id) ? 'best' : ''}" cx=${x(one.latencyMs)} cy=${y(one.score)} r="5">
          <title>${`${one.name}. ${intervalText(one, axis.format)}, ${formatLatency(one.latencyMs)} per sample`}</title>
        </circle>`,
      )}
      ${labels.map((label) => svg`<text class="label" x=${(label.left + label.right) / 2} y=${label.y} text-anchor="middle">${label.text}</text>`)}
    </svg>
  </figure>`;
}
