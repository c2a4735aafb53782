import {
  CodeLens,
  type CodeLensProvider,
  type Disposable,
  EventEmitter,
  Range,
  type TextDocument,
  workspace,
} from 'vscode';
import { readSettings } from '../configuration.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import { mentionTitle } from './mentionText.ts';
import type { RankedCode } from './rankedCode.ts';

/** Above a line that names something ranked: its place in the ranking. */
export class RankingCodeLens implements CodeLensProvider, Disposable {
  readonly #code: RankedCode;
  readonly #changed = new EventEmitter<void>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(code: RankedCode, state: RankingState) {
    this.#code = code;
    this.#disposables = [
      this.#changed,
      state.onDidChangeReport(() => this.#changed.fire()),
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('emms.codeLens')) this.#changed.fire();
      }),
    ];
  }

  async provideCodeLenses(document: TextDocument): Promise<CodeLens[]> {
    if (!readSettings(document.uri).codeLensEnabled) return [];
    const ranked = await this.#code.mentionsIn(document);
    if (ranked === undefined) return [];
    const lenses = new Map<string, CodeLens>();
    for (const mention of ranked.mentions) {
      const { line, range } = mention;
      const title = mentionTitle(mention, ranked.report);
      const tooltip = `Open the ranking for ${ranked.report.dataset.name} beside the code`;
      const command = { title, tooltip, command: 'emms.openRankingBeside' };
      // A line that says the same twice gets one lens.
      lenses.set(`${line} ${title}`, new CodeLens(new Range(line, range[0], line, range[1]), command));
    }
    return [...lenses.values()];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}
