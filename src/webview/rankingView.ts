import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatCount, formatQuantity, scoreFormat } from '../protocol/format.ts';
import type { RankingReport } from '../protocol/report.ts';
import type { FromWebview, ViewState } from '../protocol/webview.ts';
import { announcement } from './announce.ts';
import { type ScoreAxis, scoreAxis } from './chart.ts';
import { reportFooter } from './footer.ts';
import type { Handlers } from './handlers.ts';
import { type Placement, reportHeader } from './header.ts';
import { warningIcon } from './icons.ts';
import { KeptFocus } from './keptFocus.ts';
import { RowNavigation } from './rowNavigation.ts';
import { scatterChart } from './scatter.ts';
import { bestCandidate, bestGroup, type Column, filterCandidates, nextSort } from './sort.ts';
import { sortControl } from './sortControl.ts';
import { emptyState, problemState, runningState } from './status.ts';
import { styles } from './styles.ts';
import { rankingTable } from './table.ts';
import { initialUiState, type UiState } from './uiState.ts';

/**
 * The ranking view. Shows what it is given and says what the person does: it holds no data of its own but how the table
 * is sorted, filtered and opened (`uiState`).
 */
@customElement('emms-ranking')
export class RankingView extends LitElement {
  static override styles = styles;

  @property({ attribute: false }) viewState: ViewState | null = null;
  @property({ attribute: false }) uiState: UiState = initialUiState;
  @property({ reflect: true }) placement: Placement = 'panel';
  /** Something that went wrong in the view itself. */
  @property({ attribute: false }) notice = '';
  @property({ attribute: false }) onUiState: (uiState: UiState) => void = () => undefined;
  /** Takes the acts of the person to the extension host; null where there is none. */
  @property({ attribute: false }) onAct: ((message: FromWebview) => void) | null = null;

  @state() private cancelling = false;
  @state() private spoken = '';
  private axis: { report: RankingReport; axis: ScoreAxis } | null = null;

  constructor() {
    super();
    this.addController(new KeptFocus(this));
  }

  private readonly sortBy = (column: Column): void => {
    this.changeUi({ sort: nextSort(this.uiState.sort, column) });
  };

  private readonly filterBy = (filter: string): void => {
    this.changeUi({ filter });
  };

  private readonly toggle = (id: string): void => {
    const { expanded } = this.uiState;
    this.changeUi({
      expanded: expanded.includes(id) ? expanded.filter((other) => other !== id) : [...expanded, id],
    });
  };

  private readonly rows = new RowNavigation(this, this.toggle);

  private readonly cancel = (): void => {
    this.cancelling = true;
    this.onAct?.({ type: 'cancel' });
  };

  private changeUi(change: Partial<UiState>): void {
    this.uiState = { ...this.uiState, ...change };
    this.onUiState(this.uiState);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('viewState') || this.viewState === null) return;
    if (this.viewState.running === null) this.cancelling = false;
    this.spoken = announcement(changed.get('viewState') ?? null, this.viewState) ?? this.spoken;
    this.dataset.state = this.stateName(this.viewState);
  }

  private stateName({ report, running, problem }: ViewState): string {
    if (running !== null) return 'running';
    if (problem !== null) return 'problem';
    return report === null ? 'empty' : 'report';
  }

  private axisOf(report: RankingReport): ScoreAxis {
    if (this.axis?.report !== report) {
      const { candidates } = report;
      const axis = scoreAxis(candidates, bestCandidate(candidates), scoreFormat(candidates));
      this.axis = { report, axis };
      // By script, because the content security policy refuses style attributes.
      this.style.setProperty('--score-width', `${axis.textLength + 1}ch`);
    }
    return this.axis.axis;
  }

  protected override render(): TemplateResult {
    return html`
      <div class="hidden" role="status" aria-live="polite">${this.spoken}</div>
      <main class="content">
        ${this.notice === '' ? nothing : html`<p class="notice" role="alert">${warningIcon}<span>${this.notice}</span></p>`}
        ${this.viewState === null ? nothing : this.renderState(this.viewState)}
      </main>
    `;
  }

  private renderState({ report, running, problem }: ViewState): TemplateResult {
    return html`
      ${running === null ? nothing : runningState(running, this.cancelling, this.cancel)}
      ${running !== null || problem === null ? nothing : problemState(problem, this.onAct)}
      ${
        report !== null
          ? this.renderReport(report, running !== null)
          : running === null && problem === null
            ? emptyState(this.onAct)
            : nothing
      }
    `;
  }

  private renderReport(report: RankingReport, busy: boolean): TemplateResult {
    const { candidates } = report;
    const { filter } = this.uiState;
    const axis = this.axisOf(report);
    const handlers: Handlers = { act: this.onAct, sortBy: this.sortBy, toggle: this.toggle };
    const found = filterCandidates(candidates, filter).length;
    return html`
      ${reportHeader(report, this.placement, busy, axis, handlers)}
      <section aria-label="Candidates">
        <div class="filter">
          <vscode-textfield
            type="search"
            label="Filter by name or architecture"
            placeholder="Filter models"
            .value=${filter}
            @input=${this.onFilterInput}
          ></vscode-textfield>
          <span class="muted" aria-live="polite">
            ${
              found === candidates.length
                ? formatQuantity(found, 'candidate')
                : `${formatCount(found)} of ${formatQuantity(candidates.length, 'candidate')}`
            }
          </span>
          ${sortControl(this.uiState.sort, this.sortBy)}
        </div>
        ${rankingTable(report, this.uiState, axis, handlers, this.rows)}
      </section>
      ${this.placement === 'view' ? nothing : scatterChart(candidates, bestGroup(candidates), axis)}
      ${reportFooter(report)}
    `;
  }

  private readonly onFilterInput = (event: Event): void => {
    // The text field re-dispatches nothing: the event is the inner input's own, so the value is read from the host.
    const field = event.currentTarget;
    if (field !== null && 'value' in field && typeof field.value === 'string') this.filterBy(field.value);
  };
}
