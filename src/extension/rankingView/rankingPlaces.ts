import { setTimeout as sleep } from 'node:timers/promises';
import {
  commands,
  Uri,
  ViewColumn,
  type WebviewPanel,
  type WebviewPanelSerializer,
  type WebviewView,
  type WebviewViewProvider,
  window,
} from 'vscode';
import type { RankingState } from '../ranking/rankingState.ts';
import { showRanking } from './rankingSurface.ts';

/** Id of the view in the side bar, and type of the panel in the editor. */
export const RANKING_VIEW = 'emms.ranking';
const PANEL_TITLE = 'EMMS Ranking';
/** Longer than it takes to make a view. */
const SHOW_MS = 2000;

/** The two places that show the ranking: the view in the side bar, and one panel in the editor. */
export class RankingPlaces implements WebviewViewProvider, WebviewPanelSerializer {
  readonly #extensionUri: Uri;
  readonly #state: RankingState;
  #view: WebviewView | undefined;
  #panel: WebviewPanel | undefined;

  constructor(extensionUri: Uri, state: RankingState) {
    this.#extensionUri = extensionUri;
    this.#state = state;
  }

  get #visible(): boolean {
    return this.#view?.visible === true || this.#panel?.visible === true;
  }

  resolveWebviewView(view: WebviewView): void {
    this.#view = view;
    view.onDidDispose(() => {
      if (this.#view === view) this.#view = undefined;
    });
    showRanking(view, 'view', this.#extensionUri, this.#state);
  }

  async deserializeWebviewPanel(panel: WebviewPanel): Promise<void> {
    this.#adopt(panel);
  }

  /** Brings the ranking to the eye where it isn't, without taking the keyboard away; says whether it could. */
  async reveal(): Promise<boolean> {
    if (!this.#visible) await commands.executeCommand(`${RANKING_VIEW}.focus`, { preserveFocus: true });
    // The command returns before the view has been made.
    for (const end = Date.now() + SHOW_MS; !this.#visible && Date.now() < end; ) await sleep(50);
    return this.#visible;
  }

  /** Shows the panel where it is, or else opens it. */
  openInEditor(): void {
    if (this.#panel !== undefined) this.#panel.reveal();
    else this.#adopt(window.createWebviewPanel(RANKING_VIEW, PANEL_TITLE, ViewColumn.Active));
  }

  /** Like `openInEditor`, but leaves the code in sight and the keyboard with it. */
  openBeside(): void {
    const place = { viewColumn: ViewColumn.Beside, preserveFocus: true };
    const panel = this.#panel;
    if (panel === undefined) {
      this.#adopt(window.createWebviewPanel(RANKING_VIEW, PANEL_TITLE, place));
      return;
    }
    const column = window.tabGroups.activeTabGroup.viewColumn;
    const beside = panel.viewColumn !== undefined && panel.viewColumn !== column;
    panel.reveal(beside ? panel.viewColumn : ViewColumn.Beside, true);
  }

  #adopt(panel: WebviewPanel): void {
    this.#panel?.dispose();
    this.#panel = panel;
    const media = Uri.joinPath(this.#extensionUri, 'media');
    panel.iconPath = { light: Uri.joinPath(media, 'emms-light.svg'), dark: Uri.joinPath(media, 'emms-dark.svg') };
    panel.onDidDispose(() => {
      if (this.#panel === panel) this.#panel = undefined;
    });
    showRanking(panel, 'panel', this.#extensionUri, this.#state);
  }
}
