import './noEval.ts';
import { type FromWebview, toWebviewSchema } from '../protocol/webview.ts';
import { adoptStyles, bareBody } from './page.ts';
import { RankingView } from './rankingView.ts';
import { restoreUiState } from './uiState.ts';

interface WebviewApi {
  postMessage(message: FromWebview): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): WebviewApi;

adoptStyles(bareBody);

const host = acquireVsCodeApi();
const view = new RankingView();
view.placement = document.body.dataset.placement === 'view' ? 'view' : 'panel';
view.uiState = restoreUiState(host.getState());
view.onUiState = (uiState) => host.setState(uiState);
view.onAct = (message) => host.postMessage(message);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  const parsed = toWebviewSchema.safeParse(data);
  if (parsed.success) {
    view.notice = '';
    view.viewState = parsed.data.state;
  } else {
    const where = parsed.error.issues[0]?.path.join('.') || 'its type';
    view.notice = `A message to this view could not be read (${where}) and was ignored. Reload the window if the view looks out of date.`;
  }
});

document.body.append(view);
host.postMessage({ type: 'ready' });
