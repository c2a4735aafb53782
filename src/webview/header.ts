import { html, nothing, type TemplateResult } from 'lit';
import { formatCount, halfWidth } from '../protocol/format.ts';
import type { RankingReport } from '../protocol/report.ts';
import { TASK_TITLES } from '../protocol/tasks.ts';
import type { ScoreAxis } from './chart.ts';
import { fact, warningList } from './facts.ts';
import type { Handlers } from './handlers.ts';
import { exportIcon, refreshIcon } from './icons.ts';
import { encoderTitle, metricTitle } from './metric.ts';
import { bestCandidate, bestGroup, tieText } from './sort.ts';

export type Placement = 'view' | 'panel' | 'report';

function toolbar(placement: Placement, busy: boolean, handlers: Handlers): TemplateResult | typeof nothing {
  const { act } = handlers;
  // In the side bar the view's own title bar has these acts.
  if (act === null || placement === 'view') return nothing;
  const button = (label: string, icon: TemplateResult, type: 'rankAgain' | 'export') =>
    html`<button class="tool" title=${label} @click=${() => act({ type })}>${icon}<span>${label}</span></button>`;
  return html`<div class="toolbar" role="group" aria-label="Ranking">
    ${busy ? nothing : button('Rank Again', refreshIcon, 'rankAgain')} ${button('Export…', exportIcon, 'export')}
  </div>`;
}

/** What embedded the labels, and the way to better encoders where some are missing. */
function labels(report: RankingReport, { act }: Handlers): TemplateResult {
  const names = report.labelEncoders.map(encoderTitle).join(', ') || 'none';
  const stated = fact('Labels', names, report.labelEncoderReason);
  if (act === null || report.missingLabelEncoders.length === 0) return stated;
  return html`${stated}
    <div>
      <dt class="hidden">Label encoders</dt>
      <dd><button class="link" @click=${() => act({ type: 'getEncoders' })}>Get Label Encoders…</button></dd>
    </div>`;
}

function samplesText({ dataset }: RankingReport): string {
  if (dataset.samples === dataset.availableSamples) return `all ${formatCount(dataset.samples)}`;
  return `${formatCount(dataset.samples)} of ${formatCount(dataset.availableSamples)}`;
}

/** The answer in one sentence. */
function verdict(report: RankingReport, axis: ScoreAxis): TemplateResult | typeof nothing {
  const best = bestCandidate(report.candidates);
  if (best === undefined) return nothing;
  const tie = tieText(bestGroup(report.candidates).size - 1);
  const alone = report.candidates.length > 1 ? 'clear of the others' : 'the only candidate';
  return html`<p class="verdict">
    <span class="winner">${best.name}</span> ranks first with
    <span class="number">${axis.format(best.score)} ± ${axis.format(halfWidth(best.interval))}</span>,
    <span class="standing">${tie === '' ? alone : tie}</span>
  </p>`;
}

export function reportHeader(
  report: RankingReport,
  placement: Placement,
  busy: boolean,
  axis: ScoreAxis,
  handlers: Handlers,
): TemplateResult {
  const { dataset, device } = report;
  return html`<header>
    <div class="title">
      <div>
        <p class="kicker">${busy ? 'Earlier ranking' : placement === 'report' ? 'EMMS Model Selector · Ranking' : 'Ranking'}</p>
        <h2>${dataset.name}</h2>
      </div>
      ${toolbar(placement, busy, handlers)}
    </div>
    ${verdict(report, axis)}
    <dl class="facts">
      ${fact('Task', TASK_TITLES[report.task])} ${fact('Score', metricTitle(report.metric, report.variant))}
      ${fact('Samples', samplesText(report), dataset.split === null ? '' : `split ${dataset.split}`)}
      ${dataset.classes > 0 ? fact('Classes', formatCount(dataset.classes)) : nothing}
      ${labels(report, handlers)}
      ${fact('Device', device.used, device.reason)} ${fact('Seed', String(report.seed))}
    </dl>
    ${warningList(report.warnings)}
  </header>`;
}
