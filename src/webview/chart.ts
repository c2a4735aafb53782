import { html, nothing, svg, type TemplateResult } from 'lit';
import { formatNumber, halfWidth, type ScoreFormat } from '../protocol/format.ts';
import type { Candidate } from '../protocol/report.ts';
import { linearScale, type Scale } from './scale.ts';

/** The narrowest that the table draws the axis (table.css), and what a letter of its labels takes, in pixels. */
const narrowestAxis = 100;
const letterWidth = 6;

/** What all score drawings of a report share, so that positions compare from row to row. */
export interface ScoreAxis {
  scale: Scale;
  best: number;
  format: ScoreFormat;
  /** Letters of the longest score with its half-width: the drawings of all rows begin behind it. */
  textLength: number;
}

/** An axis that all scores and intervals are on. @param best the candidate at whose score a line stands */
export function scoreAxis(
  candidates: readonly Candidate[],
  best: Candidate | undefined,
  format: ScoreFormat,
): ScoreAxis {
  const values = candidates.flatMap((candidate) => [candidate.score, ...candidate.interval]);
  const lengths = candidates.map(
    (candidate) => `${format(candidate.score)} ± ${format(halfWidth(candidate.interval))}`.length,
  );
  return { scale: axisScale(values), best: best?.score ?? 0, format, textLength: Math.max(0, ...lengths) };
}

/** A scale with as many ticks as their labels leave room for. */
function axisScale(values: readonly number[]): Scale {
  for (let parts = 4; ; parts -= 1) {
    const scale = linearScale(values, parts);
    const [first, second] = scale.ticks;
    if (parts === 1 || first === undefined || second === undefined) return scale;
    const distance = ((scale.at(second) - scale.at(first)) / 100) * narrowestAxis;
    const longest = Math.max(...scale.ticks.map((tick) => formatNumber(tick).length));
    if (distance >= (longest + 1) * letterWidth) return scale;
  }
}

const x = (scale: Scale, value: number): string => `${scale.at(value).toFixed(3)}%`;

/** Says in words what the drawing of an interval shows. */
export function intervalText(candidate: Candidate, format: ScoreFormat): string {
  const [low, high] = candidate.interval;
  return `Score ${format(candidate.score)}, 90 % interval ${format(low)} to ${format(high)}`;
}

/**
 * One row of the dot plot: the score with its interval, over a dashed line at the best score. The dot is filled for
 * the candidates that are tied with the best and hollow for the others. Positions are attributes in per cent, never
 * inline styles, which the webview's content security policy refuses.
 */
export function intervalMark(candidate: Candidate, inBestGroup: boolean, axis: ScoreAxis): TemplateResult {
  const { scale } = axis;
  const [low, high] = candidate.interval;
  return html`<svg class="interval ${inBestGroup ? 'best' : ''}" height="16" role="img">
    <title>${intervalText(candidate, axis.format)}</title>
    <line class="rail" x1="0" x2="100%" y1="8" y2="8" />
    ${scale.min < 0 && scale.max > 0 ? svg`<line class="zero" x1=${x(scale, 0)} x2=${x(scale, 0)} y1="1" y2="15" />` : nothing}
    <line class="reference" x1=${x(scale, axis.best)} x2=${x(scale, axis.best)} y1="-6" y2="22" />
    <line class="whisker" x1=${x(scale, low)} x2=${x(scale, high)} y1="8" y2="8" />
    <line class="whisker" x1=${x(scale, low)} x2=${x(scale, low)} y1="4.5" y2="11.5" />
    <line class="whisker" x1=${x(scale, high)} x2=${x(scale, high)} y1="4.5" y2="11.5" />
    <circle class="dot" cx=${x(scale, candidate.score)} cy="8" r="3.5" />
  </svg>`;
}

/** The axis over the rows; hidden from screen readers, which get every value in words. */
export function axisMark({ scale }: ScoreAxis): TemplateResult {
  return html`<svg class="axis" height="20" aria-hidden="true">
    ${scale.ticks.map(
      (tick) => svg`<text x=${x(scale, tick)} y="11" text-anchor="middle">${formatNumber(tick)}</text>
        <line x1=${x(scale, tick)} x2=${x(scale, tick)} y1="15" y2="20" />`,
    )}
  </svg>`;
}
