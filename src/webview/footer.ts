import { html, nothing, type TemplateResult } from 'lit';
import { formatCount, formatDuration, formatMoment, formatQuantity } from '../protocol/format.ts';
import type { RankingReport } from '../protocol/report.ts';
import { fact } from './facts.ts';
import { explainScore } from './metric.ts';

function skippedList(report: RankingReport): TemplateResult | typeof nothing {
  if (report.skipped.length === 0) return nothing;
  return html`<details class="skipped" ?open=${report.candidates.length === 0}>
    <summary>Skipped (${formatCount(report.skipped.length)})</summary>
    <ul>
      ${report.skipped.map(
        ({ path, reason }) =>
          html`<li>
            <code>${path}</code>
            <span>${reason}</span>
          </li>`,
      )}
    </ul>
  </details>`;
}

function provenance(report: RankingReport): TemplateResult {
  const { dataset, device, environment, inference, timings } = report;
  const rows: [string, string][] = [
    ['Made', formatMoment(report.createdAt)],
    ['Dataset', `${dataset.path} (${dataset.format}${dataset.split === null ? '' : `, split ${dataset.split}`})`],
    ['Device', `${device.used} (asked for: ${device.requested}). ${device.reason}`],
    [
      'Inference',
      `${formatQuantity(inference.samplesExtracted, 'sample')} run through networks, ${formatCount(inference.samplesFromCache)} from the cache`,
    ],
    [
      'Time',
      `${formatDuration(timings.totalSeconds)}: discovery ${formatDuration(timings.discoverSeconds)}, extraction ${formatDuration(timings.extractSeconds)}, scoring ${formatDuration(timings.scoreSeconds)}`,
    ],
    [
      'Versions',
      `EMMS ${environment.emms}, ONNX Runtime ${environment.onnxruntime}, Node ${environment.node}, ${environment.platform}, ${formatQuantity(environment.cpus, 'CPU')}`,
    ],
  ];
  return html`<details class="provenance">
    <summary>About this ranking</summary>
    <dl>
      ${rows.map(([term, value]) => fact(term, value))}
    </dl>
  </details>`;
}

/** Below the candidates: what was skipped, what the score means, and where the numbers come from. */
export function reportFooter(report: RankingReport): TemplateResult {
  return html`<footer>
    ${skippedList(report)}
    <details class="explanation">
      <summary>What does the score mean?</summary>
      ${explainScore(report).map((paragraph) => html`<p>${paragraph}</p>`)}
      <p>
        ≈ marks ties: the difference between two candidates is no larger than the noise of drawing these samples and not
        others, so prefer the smaller or faster one, or rank with more samples. The interval holds the score with 90 %
        confidence (delete-block jackknife).
      </p>
    </details>
    ${provenance(report)}
  </footer>`;
}
