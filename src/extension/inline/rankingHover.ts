import { Hover, type HoverProvider, MarkdownString, type Position, Range, type TextDocument } from 'vscode';
import { readSettings } from '../configuration.ts';
import { mentionTable } from './mentionText.ts';
import type { RankedCode } from './rankedCode.ts';

/** Over a name that is ranked: rank, score, interval and ties. */
export class RankingHover implements HoverProvider {
  readonly #code: RankedCode;

  constructor(code: RankedCode) {
    this.#code = code;
  }

  async provideHover(document: TextDocument, position: Position): Promise<Hover | undefined> {
    if (!readSettings(document.uri).hoverEnabled) return undefined;
    const ranked = await this.#code.mentionsIn(document);
    const mention = ranked?.mentions.find(
      ({ line, range: [start, end] }) =>
        line === position.line && start <= position.character && position.character <= end,
    );
    if (ranked === undefined || mention === undefined) return undefined;
    const text = new MarkdownString(mentionTable(mention, ranked.report));
    // The one command that a link in this text may run.
    text.isTrusted = { enabledCommands: ['emms.openRankingBeside'] };
    text.appendMarkdown('\n\n[Open the ranking](command:emms.openRankingBeside)');
    const { line, range } = mention;
    return new Hover(text, new Range(line, range[0], line, range[1]));
  }
}
