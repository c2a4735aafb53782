import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reportPageStyles } from '../../../src/webview/theme.ts';

const folder = new URL('../../../src/webview/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');
const sources = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: read(file) }));
const sheets = readdirSync(new URL('styles/', folder)).filter((file) => file.endsWith('.css'));
const styles = sheets.map((file) => read(`styles/${file}`)).join('\n');

describe('rules of the view', () => {
  it('has every style sheet in the view', () => {
    const imported = [...read('styles.ts').matchAll(/from '\.\/styles\/([\w-]+\.css)'/gu)].map((match) => match[1]);
    expect(imported.sort()).toEqual(sheets.sort());
  });

  it.each(sources)('$file has no style attribute, which the content security policy would refuse', ({ text }) => {
    expect(text).not.toMatch(/\sstyle=["'$]/u);
  });

  it.each(sources)('$file writes no markup from strings', ({ text }) => {
    expect(text).not.toMatch(/unsafeHTML|unsafeSVG|unsafeStatic|innerHTML|insertAdjacentHTML|document\.write/u);
  });

  it('uses the colours of the theme only', () => {
    expect(styles).not.toMatch(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(/iu);
  });

  it('finds every token that it can’t do without in the theme of the HTML report', () => {
    const needed = [...styles.matchAll(/var\((--vscode-[\w-]+)\)/gu)].map((match) => match[1]);
    const given = new Set([...reportPageStyles.matchAll(/(--vscode-[\w-]+):/gu)].map((match) => match[1]));
    expect(needed.length).toBeGreaterThan(5);
    expect(needed.filter((token) => !given.has(token))).toEqual([]);
  });
});
