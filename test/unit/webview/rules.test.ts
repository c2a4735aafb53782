import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { styles } from '../../../src/webview/styles.ts';
import { reportPageStyles } from '../../../src/webview/theme.ts';

const folder = new URL('../../../src/webview/', import.meta.url);
const sources = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(fileURLToPath(new URL(file, folder)), 'utf8') }));

describe('rules of the view', () => {
  it.each(sources)('$file has no style attribute, which the content security policy would refuse', ({ text }) => {
    expect(text).not.toMatch(/\sstyle=["'$]/u);
  });

  it.each(sources)('$file writes no markup from strings', ({ text }) => {
    expect(text).not.toMatch(/unsafeHTML|unsafeSVG|unsafeStatic|innerHTML|insertAdjacentHTML|document\.write/u);
  });

  it('uses the colours of the theme only', () => {
    expect(styles.cssText).not.toMatch(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(/iu);
  });

  it('finds every token that it can’t do without in the theme of the HTML report', () => {
    const needed = [...styles.cssText.matchAll(/var\((--vscode-[\w-]+)\)/gu)].map((match) => match[1]);
    const given = new Set([...reportPageStyles.matchAll(/(--vscode-[\w-]+):/gu)].map((match) => match[1]));
    expect(needed.length).toBeGreaterThan(5);
    expect(needed.filter((token) => !given.has(token))).toEqual([]);
  });
});
