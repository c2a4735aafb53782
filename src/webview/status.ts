import { html, nothing, type TemplateResult } from 'lit';
import { progressTexts } from '../protocol/progress.ts';
import { type FromWebview, REMEDY_TITLES, type ViewState } from '../protocol/webview.ts';
import { progressShare } from './announce.ts';
import { errorIcon } from './icons.ts';

type Act = (message: FromWebview) => void;

export function emptyState(act: Act | null): TemplateResult {
  return html`<section class="empty">
    <h2>No ranking yet</h2>
    <p>Pick a dataset, and the checkpoints of this workspace are ranked by how well they suit it, without training.</p>
    ${act === null ? nothing : html`<vscode-button @click=${() => act({ type: 'rank' })}>Rank Models…</vscode-button>`}
  </section>`;
}

export function runningState(
  running: NonNullable<ViewState['running']>,
  cancelling: boolean,
  cancel: () => void,
): TemplateResult {
  const { progress } = running;
  const share = progressShare(progress);
  const { stage, subject, amount, left } =
    progress === null ? { stage: 'Starting the engine', subject: '', amount: '', left: '' } : progressTexts(progress);
  return html`<section class="running" aria-label="Ranking in progress">
    <div class="title">
      <h2>Ranking models for ${running.dataset}</h2>
      <vscode-button secondary ?disabled=${cancelling} @click=${cancel}>${cancelling ? 'Cancelling…' : 'Cancel'}</vscode-button>
    </div>
    <vscode-progress-bar
      aria-label="Progress of the ranking"
      .indeterminate=${share === null}
      .value=${share === null ? undefined : Math.round(share * 1000) / 10}
    ></vscode-progress-bar>
    <p class="stage">
      ${stage}${subject === '' ? nothing : html`: <span class="muted">${subject}</span>`}
    </p>
    <p class="counts muted">${[amount, left].filter(Boolean).join(' · ')}</p>
  </section>`;
}

export function problemState(problem: NonNullable<ViewState['problem']>, act: Act | null): TemplateResult {
  const { message, cancelled, remedy } = problem;
  return html`<section class="problem" role="alert">
    ${cancelled ? nothing : errorIcon}
    <div>
      <h2>${cancelled ? 'Ranking cancelled' : 'The ranking did not finish'}</h2>
      <p>${message}</p>
      ${
        act === null
          ? nothing
          : html`<div class="buttons">
            <vscode-button @click=${() => act({ type: remedy ?? 'rank' })}>
              ${remedy === null ? 'Rank Models…' : REMEDY_TITLES[remedy]}
            </vscode-button>
            <vscode-button secondary @click=${() => act({ type: 'showLog' })}>Show Log</vscode-button>
          </div>`
      }
    </div>
  </section>`;
}
