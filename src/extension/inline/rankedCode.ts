import type { TextDocument } from 'vscode';
import type { RankingReport } from '../../protocol/report.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import { findMentions, type Mention } from './findMentions.ts';

interface Known {
  readonly report: RankingReport;
  readonly version: number;
  readonly mentions: readonly Mention[];
}

/** What the last ranking has to say about Python documents. A document is read once per version of it. */
export class RankedCode {
  readonly #state: RankingState;
  readonly #known = new WeakMap<TextDocument, Known>();

  constructor(state: RankingState) {
    this.#state = state;
  }

  async mentionsIn(document: TextDocument): Promise<Omit<Known, 'version'> | undefined> {
    const report = await this.#state.restoredReport();
    if (report === null) return undefined;
    const known = this.#known.get(document);
    if (known?.report === report && known.version === document.version) return known;
    const fresh = { report, version: document.version, mentions: findMentions(document.getText(), report) };
    this.#known.set(document, fresh);
    return fresh;
  }
}
