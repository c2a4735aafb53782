import { MarkdownString } from 'vscode';
import { escapeMarkdown } from '../plainText.ts';

/** What the pointer is told over an item: paragraphs of text, whatever signs it holds. A narrow view cuts the item itself short. */
export function tooltip(...paragraphs: string[]): MarkdownString {
  return new MarkdownString(paragraphs.map(escapeMarkdown).join('\n\n'));
}
