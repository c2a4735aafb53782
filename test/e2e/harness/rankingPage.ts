import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { FromWebview, ViewState } from '../../../src/protocol/webview.ts';
import { launchBrowser } from './browser.ts';

export const origin = 'https://webview.test';
const policy = `default-src 'none'; style-src ${origin} 'nonce-n'; script-src 'nonce-n'; font-src ${origin}; img-src ${origin}`;

/** The ranking view in a browser, under the content security policy that the extension host gives it. */
interface RankingPage {
  readonly page: Page;
  /** What the console said, which should be nothing. */
  readonly complaints: string[];
  show(state: Partial<ViewState>): Promise<void>;
  sent(): Promise<FromWebview[]>;
}

/** One browser for the tests of a file, with the bundles of the view and of the HTML report. */
export interface RankingBrowser {
  open(placement: 'view' | 'panel', kept?: unknown): Promise<RankingPage>;
  newPage(complaints: string[]): Promise<Page>;
  /** The script of the HTML report. */
  readonly reportScript: string;
}

export function useRankingBrowser(): () => RankingBrowser {
  let opened: { browser: Browser; view: string; reportScript: string } | undefined;
  beforeAll(async () => {
    const [view, reportScript] = await Promise.all([bundle('main'), bundle('report')]);
    opened = { browser: await launchBrowser(), view, reportScript };
  });
  afterAll(async () => {
    await opened?.browser.close();
  });
  return () => {
    if (opened === undefined) throw new Error('The browser is there in tests only.');
    const { browser, view, reportScript } = opened;
    return {
      reportScript,
      newPage: (complaints) => newPage(browser, complaints),
      open: (placement, kept = null) => openView(browser, view, placement, kept),
    };
  };
}

/** Ids of the candidates as the rows show them, from top to bottom. */
export const rows = (page: Page): Promise<(string | null)[]> =>
  page.locator('tr.candidate').evaluateAll((all) => all.map((row) => row.getAttribute('data-candidate-id')));

async function bundle(name: 'main' | 'report'): Promise<string> {
  const made = await build({
    entryPoints: [`src/webview/${name}.ts`],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    loader: { '.css': 'text' },
    write: false,
    conditions: ['production'],
  });
  return made.outputFiles[0]?.text ?? '';
}

async function newPage(browser: Browser, complaints: string[]): Promise<Page> {
  const page = await browser.newPage();
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return page;
}

async function openView(
  browser: Browser,
  script: string,
  placement: 'view' | 'panel',
  kept: unknown,
): Promise<RankingPage> {
  const complaints: string[] = [];
  const page = await newPage(browser, complaints);
  const host = `const sent = []; let kept = ${JSON.stringify(kept)};
    window.host = { sent, kept: () => kept };
    window.acquireVsCodeApi = () => ({ postMessage: (m) => sent.push(m), getState: () => kept, setState: (s) => { kept = s; } });
    document.addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI));`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"></head><body data-placement="${placement}">
    <script nonce="n">${host}</script><script nonce="n" src="${origin}/webview.js"></script></body></html>`;
  await page.route(`${origin}/**`, (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': policy }, body: html }),
  );
  await page.goto(`${origin}/`);
  return {
    page,
    complaints,
    show: async (state) => {
      const whole = { report: null, running: null, problem: null, ...state };
      await page.evaluate((message) => window.postMessage(message, '*'), { type: 'state', state: whole });
      await page.locator('emms-ranking[data-state]').waitFor();
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(null))));
    },
    sent: () => page.evaluate('host.sent'),
  };
}
