import { html, nothing, type TemplateResult } from 'lit';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatLatency,
  formatNumber,
  formatParameters,
  formatQuantity,
  type ScoreFormat,
} from '../protocol/format.ts';
import type { Candidate, RankingReport } from '../protocol/report.ts';
import { fact, warningList } from './facts.ts';
import { encoderTitle, metricTitle } from './metric.ts';

function tiedNames(candidate: Candidate, report: RankingReport): unknown {
  if (candidate.tiedWith.length === 0) return 'none: every difference is larger than the noise';
  const names = candidate.tiedWith.map((id) => report.candidates.find((other) => other.id === id)?.name ?? id);
  return names.map((name, index) => html`${index === 0 ? '' : ', '}<bdi>${name}</bdi>`);
}

function numbers(heading: string, entries: readonly (readonly [string, number])[]): TemplateResult | typeof nothing {
  if (entries.length === 0) return nothing;
  return html`<section>
    <h4>${heading}</h4>
    <dl class="numbers">
      ${entries.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd title=${String(value)}>${formatNumber(value)}</dd>
          </div>`,
      )}
    </dl>
  </section>`;
}

/** Everything the report holds about one candidate. */
export function candidateDetails(candidate: Candidate, report: RankingReport, format: ScoreFormat): TemplateResult {
  const [low, high] = candidate.interval;
  const weights = candidate.weights.map(
    (weight, index) => [encoderTitle(report.labelEncoders[index] ?? `encoder ${index + 1}`), weight] as const,
  );
  const metrics = Object.entries(candidate.metrics).map(([name, value]) => [metricTitle(name), value] as const);
  return html`<div class="details">
    ${warningList(candidate.warnings)}
    <div class="columns">
      <section>
        <h4>Score</h4>
        <dl>
          ${fact('Exact', String(candidate.score))}
          ${fact('90 % interval', `${format(low)} to ${format(high)}`)}
          ${fact('Tied with', tiedNames(candidate, report))}
        </dl>
      </section>
      ${numbers('All scores', metrics)} ${numbers('Label encoder weights λ', weights)}
      <section>
        <h4>Inference</h4>
        <dl>
          ${fact('Time', `${formatLatency(candidate.latencyMs)} per sample, ${formatDuration(candidate.extractSeconds)} in all`)}
          ${fact('Device', candidate.device)} ${fact('Used', formatQuantity(candidate.samples, 'sample'))}
        </dl>
      </section>
      <section>
        <h4>Network</h4>
        <dl>
          ${fact('Architecture', candidate.architecture)}
          ${fact('Features', html`${formatCount(candidate.featureDim)}, read from <code>${candidate.featurePoint}</code>`)}
          ${fact('Preprocessing', candidate.preprocessing)}
          ${fact('Parameters', `${formatParameters(candidate.parameters)} in ${formatBytes(candidate.bytes)}`)}
          ${fact('File', html`<code>${candidate.id}</code>`)}
        </dl>
      </section>
    </div>
  </div>`;
}
