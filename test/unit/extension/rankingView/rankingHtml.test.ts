import { describe, expect, test } from 'vitest';
import { rankingHtml } from '../../../../src/extension/rankingView/rankingHtml.ts';

describe('rankingHtml', () => {
  test('lets nothing run or load but what it names', () => {
    const html = rankingHtml({
      placement: 'panel',
      nonce: 'n0nce',
      script: 'webview.js',
    });
    const policy = /content="(default-src[^"]+)"/.exec(html)?.[1];
    expect(policy).toBe("default-src 'none'; script-src 'nonce-n0nce'");
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).toContain('<script nonce="n0nce" src="webview.js">');
    expect(html).toContain('<body data-placement="panel">');
  });
});
