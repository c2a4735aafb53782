import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import {
  formatBytes,
  formatCount,
  formatLatency,
  formatParameters,
  formatQuantity,
  halfWidth,
} from '../protocol/format.ts';
import type { Candidate, RankingReport } from '../protocol/report.ts';
import { axisMark, intervalMark, type ScoreAxis } from './chart.ts';
import { candidateDetails } from './details.ts';
import type { Handlers } from './handlers.ts';
import { arrowDownIcon, arrowUpIcon, chevronIcon, warningIcon } from './icons.ts';
import { metricTitle } from './metric.ts';
import type { RowNavigation } from './rowNavigation.ts';
import { bestGroup, type Column, columns, filterCandidates, isRankOrder, sortCandidates, tieText } from './sort.ts';
import type { UiState } from './uiState.ts';

export const headings: Readonly<Record<Column, { title: string; hint: string }>> = {
  rank: { title: 'Rank', hint: '' },
  name: { title: 'Model', hint: '' },
  architecture: { title: 'Architecture', hint: '' },
  score: { title: 'Score', hint: 'Larger is better; ± is half the 90 % interval' },
  featureDim: { title: 'Features', hint: 'Width of the feature vector' },
  parameters: { title: 'Params', hint: 'Parameters of the network' },
  bytes: { title: 'Size', hint: 'Size of the file' },
  latencyMs: { title: 'Time', hint: 'Inference time per sample' },
  warnings: { title: 'Notes', hint: 'Warnings about this candidate' },
};

function headerCell(column: Column, ui: UiState, axis: ScoreAxis, handlers: Handlers): TemplateResult {
  const { title, hint } = headings[column];
  const sorted = ui.sort.column === column;
  const direction = ui.sort.descending ? 'descending' : 'ascending';
  return html`<th role="columnheader" scope="col" class=${column} aria-sort=${sorted ? direction : nothing}>
    <div>
      <button class="sort" title=${hint || nothing} @click=${() => handlers.sortBy(column)}>
        <span>${title}</span>${sorted ? (ui.sort.descending ? arrowDownIcon : arrowUpIcon) : nothing}
      </button>
      ${column === 'score' ? axisMark(axis) : nothing}
    </div>
  </th>`;
}

function warningsCell(candidate: Candidate): TemplateResult | typeof nothing {
  const count = candidate.warnings.length;
  if (count === 0) return nothing;
  return html`<span class="badge" title=${candidate.warnings.join('\n')}>
    ${warningIcon}<span>${count}</span><span class="hidden">${count === 1 ? 'warning' : 'warnings'}</span>
  </span>`;
}

interface RowContext {
  report: RankingReport;
  best: ReadonlySet<string>;
  axis: ScoreAxis;
  expanded: ReadonlySet<string>;
  handlers: Handlers;
}

function row(candidate: Candidate, context: RowContext): TemplateResult {
  const { report, best, axis, handlers } = context;
  const { act } = handlers;
  const open = context.expanded.has(candidate.id);
  const detailsId = `details-${report.candidates.indexOf(candidate)}`;
  const tie = tieText(candidate.tiedWith.length);
  return html`<tr
      role="row"
      class="candidate ${best.has(candidate.id) ? 'best' : ''} ${open ? 'open' : ''}"
      data-candidate-id=${candidate.id}
      data-rank=${candidate.rank}
      data-score=${String(candidate.score)}
    >
      <td role="cell" class="rank">
        <div>
          <button
            class="toggle"
            aria-expanded=${open ? 'true' : 'false'}
            aria-controls=${open ? detailsId : nothing}
            aria-label=${`Details of ${candidate.name}`}
            @click=${() => handlers.toggle(candidate.id)}
          >
            ${chevronIcon}
          </button>
          <span>${candidate.rank}</span>
          ${tie === '' ? nothing : html`<span class="tie" title=${tie}><span aria-hidden="true">≈</span><span class="hidden">${tie}</span></span>`}
        </div>
      </td>
      <th role="rowheader" scope="row" class="name">
        ${
          act === null
            ? html`<span class="model">${candidate.name}</span>`
            : html`<button
              class="model"
              title=${`Show ${candidate.path} in the explorer`}
              @click=${() => act({ type: 'reveal', candidate: candidate.id })}
            >
              ${candidate.name}
            </button>`
        }
        <span class="under">${candidate.architecture} ${warningsCell(candidate)}</span>
      </th>
      <td role="cell" class="architecture">${candidate.architecture}</td>
      <td role="cell" class="score">
        <div>
          <span class="value" title=${String(candidate.score)}
            >${axis.format(candidate.score)} <span class="muted">± ${axis.format(halfWidth(candidate.interval))}</span></span
          >
          ${intervalMark(candidate, best.has(candidate.id), axis)}
        </div>
      </td>
      <td role="cell" class="featureDim">${formatCount(candidate.featureDim)}</td>
      <td role="cell" class="parameters" title=${formatCount(candidate.parameters)}>${formatParameters(candidate.parameters)}</td>
      <td role="cell" class="bytes" title=${formatQuantity(candidate.bytes, 'byte')}>${formatBytes(candidate.bytes)}</td>
      <td role="cell" class="latencyMs">${formatLatency(candidate.latencyMs)}</td>
      <td role="cell" class="warnings">${warningsCell(candidate)}</td>
    </tr>
    ${
      open
        ? html`<tr role="row" class="expansion" id=${detailsId}>
          <td role="cell" colspan=${columns.length}>${candidateDetails(candidate, report, axis.format)}</td>
        </tr>`
        : nothing
    }`;
}

function group(name: string, candidates: readonly Candidate[], context: RowContext, heading: unknown): TemplateResult {
  return html`<tbody role="rowgroup" class=${name} ?hidden=${candidates.length === 0}>
    ${
      heading === nothing
        ? nothing
        : html`<tr role="row" class="heading">
          <th role="rowheader" scope="rowgroup" colspan=${columns.length}>${heading}</th>
        </tr>`
    }
    ${repeat(
      candidates,
      (candidate) => candidate.id,
      // Sorting and filtering move rows; they change no row.
      (candidate) =>
        guard([context.report, context.handlers.act, context.expanded.has(candidate.id)], () =>
          row(candidate, context),
        ),
    )}
  </tbody>`;
}

/**
 * The candidates that are tied with the best under one heading and the others under another, when that order is shown.
 * In any other order the second group holds all: the groups stay, so that few rows have to be made anew.
 */
function groups(shown: readonly Candidate[], ui: UiState, context: RowContext): TemplateResult {
  const { best } = context;
  const apart = best.size > 1 && isRankOrder(ui.sort);
  const tied = apart ? shown.filter((candidate) => best.has(candidate.id)) : [];
  const others = apart ? shown.filter((candidate) => !best.has(candidate.id)) : shown;
  const hidden = best.size - tied.length;
  const tiedHeading = html`<span aria-hidden="true">≈</span> Tied for best: ${formatQuantity(best.size, 'candidate')}
    <span class="muted">differences within noise${hidden === 0 ? '' : `; ${hidden} hidden by the filter`}</span>`;
  return html`${group('tied', tied, context, tiedHeading)}
  ${group(apart ? 'others' : 'all', others, context, apart ? 'Behind the best' : nothing)}`;
}

/** The explicit roles keep the semantics of a table that the style sheet lays out as grids. */
export function rankingTable(
  report: RankingReport,
  ui: UiState,
  axis: ScoreAxis,
  handlers: Handlers,
  rows: RowNavigation,
): TemplateResult {
  const best = bestGroup(report.candidates);
  const shown = sortCandidates(filterCandidates(report.candidates, ui.filter), ui.sort);
  const context: RowContext = { report, best, axis, expanded: new Set(ui.expanded), handlers };
  return html`<table role="table" data-sort=${ui.sort.column} @focusin=${rows.onFocusIn} @keydown=${rows.onKeyDown}>
      <caption class="hidden">
        Candidates for ${report.dataset.name}, ranked by ${metricTitle(report.metric, report.variant)}. Column headers sort, arrow keys
        go from row to row and open its details.
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map((column) => headerCell(column, ui, axis, handlers))}
        </tr>
      </thead>
      ${groups(shown, ui, context)}
    </table>
    ${
      shown.length > 0
        ? html`<p class="legend muted">
          <span><svg width="12" height="12" aria-hidden="true"><circle class="dot best" cx="6" cy="6" r="4" /></svg> best, or tied with it</span>
          <span><svg width="12" height="12" aria-hidden="true"><circle class="dot" cx="6" cy="6" r="4" /></svg> behind the best</span>
          <span><svg width="20" height="12" aria-hidden="true"><path class="whisker" d="M1 6h18M1 3v6M19 3v6" /></svg> 90 % interval</span>
          <span><svg width="8" height="14" aria-hidden="true"><path class="reference" d="M4 0v14" /></svg> best score</span>
        </p>`
        : html`<p class="nomatch">
          ${ui.filter.trim() === '' ? 'No candidate could be ranked; the reasons are below.' : `No model matches “${ui.filter.trim()}”.`}
        </p>`
    }`;
}
