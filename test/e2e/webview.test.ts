import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { candidate, report } from '../helpers/report.ts';
import { faintTexts } from './harness/contrast.ts';
import { origin, rows, useRankingBrowser } from './harness/rankingPage.ts';

const evil = '<img src=x onerror="window.pwned=1">';
const three = report([
  candidate(1, 'alpha', { tiedWith: ['checkpoints/beta.onnx'], latencyMs: 9, score: 0.8123456789012345 }),
  candidate(2, 'beta', { tiedWith: ['checkpoints/alpha.onnx'], latencyMs: 3 }),
  candidate(3, 'gamma', { latencyMs: 1, architecture: 'vit' }),
]);

const browser = useRankingBrowser();

describe('the ranking view', () => {
  it('shows rows in order with full-precision scores, and ties in words', async () => {
    const { page, show, complaints, sent } = await browser().open('panel');
    await show({ report: three });
    expect(await sent()).toEqual([{ type: 'ready' }]);
    expect(await rows(page)).toEqual(['checkpoints/alpha.onnx', 'checkpoints/beta.onnx', 'checkpoints/gamma.onnx']);
    const first = page.locator('tr.candidate').first();
    expect(Number(await first.getAttribute('data-score'))).toBe(0.8123456789012345);
    expect(await first.getAttribute('data-rank')).toBe('1');
    expect(await page.getByText('Tied for best: 2 candidates').count()).toBe(1);
    expect(await page.getByRole('table', { name: /Candidates for fashion/u }).count()).toBe(1);
    expect(await page.locator('emms-ranking').getAttribute('data-state')).toBe('report');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('sorts by header from the keyboard and keeps the order, filter and open rows', async () => {
    const { page, show } = await browser().open('panel');
    await show({ report: three });
    await page.getByRole('button', { name: 'Time', exact: true }).focus();
    await page.keyboard.press('Enter');
    expect(await rows(page)).toEqual(['checkpoints/gamma.onnx', 'checkpoints/beta.onnx', 'checkpoints/alpha.onnx']);
    expect(await page.getByRole('columnheader', { name: 'Time' }).getAttribute('aria-sort')).toBe('ascending');
    await page.getByRole('button', { name: 'Details of gamma' }).click();
    expect(await page.getByText('/pool/output').count()).toBe(1);
    await page.getByRole('searchbox').fill('vit');
    expect(await rows(page)).toEqual(['checkpoints/gamma.onnx']);
    const kept = await page.evaluate('host.kept()');
    await page.close();

    const again = await browser().open('panel', kept);
    await again.show({ report: three });
    expect(await rows(again.page)).toEqual(['checkpoints/gamma.onnx']);
    expect(await again.page.getByText('/pool/output').count()).toBe(1);
    expect(await again.page.getByRole('searchbox').inputValue()).toBe('vit');
    await again.page.close();
  });

  it('sorts from the keyboard where the columns give way, in step with their headers', async () => {
    const { page, show } = await browser().open('panel');
    await show({ report: three });
    const sortBy = page.getByRole('combobox', { name: 'Sort by' });
    const chosen = (): Promise<string | null> => sortBy.locator('option:checked').textContent();
    const time = page.getByRole('columnheader', { name: 'Time' });
    expect(await sortBy.count()).toBe(0);
    await page.getByRole('button', { name: 'Time', exact: true }).click();

    await page.setViewportSize({ width: 300, height: 800 });
    expect(await time.count()).toBe(0);
    expect(await chosen()).toBe('Time');
    expect(await page.getByRole('cell', { name: '1 ms' }).count()).toBe(1);
    await sortBy.focus();
    await page.keyboard.press('Home');
    expect(await chosen()).toBe('Rank');
    expect(await page.getByRole('cell', { name: '1 ms' }).count()).toBe(0);
    expect(await rows(page)).toEqual(['checkpoints/alpha.onnx', 'checkpoints/beta.onnx', 'checkpoints/gamma.onnx']);
    await page.keyboard.press('t');
    expect(await rows(page)).toEqual(['checkpoints/gamma.onnx', 'checkpoints/beta.onnx', 'checkpoints/alpha.onnx']);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('button', { name: 'Descending', pressed: true }).count()).toBe(1);
    expect(await rows(page)).toEqual(['checkpoints/alpha.onnx', 'checkpoints/beta.onnx', 'checkpoints/gamma.onnx']);

    await page.setViewportSize({ width: 1280, height: 800 });
    expect(await time.getAttribute('aria-sort')).toBe('descending');
    await page.close();
  });

  it('goes from row to row with the arrow keys, and past the table with one more Tab', async () => {
    const { page, show } = await browser().open('panel');
    await show({ report: three });
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => {
        const button = document.querySelector('emms-ranking')?.shadowRoot?.activeElement;
        return button?.getAttribute('aria-label') ?? button?.textContent?.trim();
      });
    await page.getByRole('button', { name: 'Notes', exact: true }).focus();
    for (const [key, where] of [
      ['Tab', 'Details of alpha'],
      ['ArrowDown', 'Details of beta'],
      ['ArrowDown', 'Details of gamma'],
      ['ArrowDown', 'Details of gamma'],
      ['Home', 'Details of alpha'],
      ['End', 'Details of gamma'],
      ['ArrowUp', 'Details of beta'],
      ['Tab', 'beta'],
      ['ArrowUp', 'alpha'],
      ['Tab', 'What does the score mean?'],
      ['Shift+Tab', 'alpha'],
    ] as const) {
      await page.keyboard.press(key);
      expect(await focused(), key).toBe(where);
    }
    const details = page.getByRole('button', { name: 'Details of alpha' });
    for (const [key, open] of [
      ['ArrowRight', 'true'],
      ['ArrowRight', 'true'],
      ['ArrowLeft', 'false'],
    ] as const) {
      await page.keyboard.press(key);
      expect(await details.getAttribute('aria-expanded'), key).toBe(open);
    }
    await page.getByRole('searchbox').fill('gamma');
    await page.getByRole('button', { name: 'Notes', exact: true }).focus();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Details of gamma');
    await page.close();
  });

  it('keeps the keyboard where it was, or on the heading of what has come, when a ranking runs and ends', async () => {
    const { page, show } = await browser().open('panel');
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => {
        const part = document.querySelector('emms-ranking')?.shadowRoot?.activeElement;
        return part?.getAttribute('aria-label') ?? part?.textContent?.trim();
      });
    await show({ report: three });
    await page.getByRole('button', { name: 'Rank Again' }).focus();
    await show({ report: three, running: { dataset: 'fashion', progress: null } });
    expect(await focused()).toBe('Ranking models for fashion');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Cancel');
    await show({ report: three, problem: { message: 'stopped by you', cancelled: true, remedy: 'resume' } });
    expect(await focused()).toBe('Ranking cancelled');

    await show({ report: three });
    await page.getByRole('button', { name: 'Details of beta' }).focus();
    await show({ report: report([candidate(1, 'alpha'), candidate(2, 'beta')]) });
    expect(await focused()).toBe('Details of beta');
    await show({ report: report([candidate(1, 'alpha')]) });
    expect(await focused()).toBe('fashion');
    await page.close();
  });

  it('sends the acts of the person', async () => {
    const { page, show, sent } = await browser().open('panel');
    await show({});
    await page.getByRole('button', { name: 'Rank Models…' }).click();
    await show({ report: three });
    for (const name of ['beta', 'Rank Again', 'Export…']) {
      await page.getByRole('button', { name, exact: true }).click();
    }
    const candidate = { number: 1, count: 4 };
    const progress = { stage: 'extract', message: 'beta', candidate, done: 1, total: 4, secondsLeft: 60 } as const;
    await show({ report: three, running: { dataset: 'fashion', progress } });
    expect(await page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25');
    expect(await rows(page)).toHaveLength(3);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await show({ problem: { message: 'stopped by you', cancelled: true, remedy: 'resume' } });
    expect(await page.getByRole('alert').textContent()).toContain('Ranking cancelled');
    await show({ problem: { message: 'killed', cancelled: false, remedy: 'resume' } });
    expect(await page.getByRole('alert').textContent()).toContain('did not finish');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Show Log' }).click();
    await show({ problem: { message: 'no checkpoints', cancelled: false, remedy: 'nameCheckpointFolders' } });
    await page.getByRole('button', { name: 'Name Their Folders' }).click();
    expect(await sent()).toEqual([
      { type: 'ready' },
      { type: 'rank' },
      { type: 'reveal', candidate: 'checkpoints/beta.onnx' },
      { type: 'rankAgain' },
      { type: 'export' },
      { type: 'cancel' },
      { type: 'resume' },
      { type: 'showLog' },
      { type: 'nameCheckpointFolders' },
    ]);
    await page.close();
  });

  it('tells a screen reader of progress and end', async () => {
    const { page, show } = await browser().open('view');
    await show({ running: { dataset: 'fashion', progress: null } });
    expect(await page.getByRole('status').textContent()).toBe('Ranking models for fashion.');
    await show({ report: three });
    expect(await page.getByRole('status').textContent()).toContain('alpha is first, tied with 1 other');
    await page.close();
  });

  it('keeps what it shows and says so when a message is not valid', async () => {
    const { page, show, complaints } = await browser().open('panel');
    await show({ report: three });
    await page.evaluate(() => window.postMessage({ type: 'state', state: { report: {} } }, '*'));
    await page.getByText(/could not be read/u).waitFor();
    expect(await rows(page)).toHaveLength(3);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows hostile names as text', async () => {
    const { page, show, complaints } = await browser().open('panel');
    const hostile = report([candidate(1, evil, { architecture: evil, warnings: [evil] }), candidate(2, 'b')], {
      warnings: [evil],
      skipped: [{ path: evil, reason: evil }],
    });
    hostile.dataset.name = evil;
    await show({ report: hostile });
    await page.getByRole('button', { name: `Details of ${evil}` }).click();
    expect(await page.locator('tr.candidate .model').first().textContent()).toContain(evil);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('sorts and filters 200 rows without a pause', async () => {
    const { page, show } = await browser().open('panel');
    await show({
      report: report(Array.from({ length: 200 }, (_, index) => candidate(index + 1, `m${(index * 37) % 200}`))),
    });
    const time = async (name: string): Promise<number> =>
      page.getByRole('button', { name, exact: true }).evaluate(async (button) => {
        const view = document.querySelector('emms-ranking');
        const start = performance.now();
        if (button instanceof HTMLElement) button.click();
        if (view !== null && 'updateComplete' in view) await view.updateComplete;
        return performance.now() - start;
      });
    const times: number[] = [];
    for (const name of ['Model', 'Size', 'Model', 'Rank', 'Model']) times.push(await time(name));
    // A pause that a person would notice, on any machine: it takes about 20 ms on an idle one.
    expect(Math.min(...times)).toBeLessThan(500);
    await page.close();
  });
});

describe('the HTML report', () => {
  it('shows the ranking without acts and under the strictest policy', async () => {
    const complaints: string[] = [];
    const page = await browser().newPage(complaints);
    const script = browser().reportScript.replaceAll('</script', '<\\/script');
    const data = JSON.stringify({ ...three, warnings: ['</script>', evil] }).replaceAll('<', '\\u003c');
    const hash = createHash('sha256').update(script).digest('base64');
    await page.route(`${origin}/**`, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><html lang="en"><head><meta charset="utf-8">
          <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-${hash}'"></head><body>
          <script type="application/json" id="emms-report">${data}</script><script>${script}</script></body></html>`,
      }),
    );
    await page.goto(`${origin}/report.html`);
    expect(await rows(page)).toHaveLength(3);
    expect(await page.getByText('</script>').count()).toBe(1);
    expect(await page.getByRole('button', { name: /Rank Again|Export|^alpha$/u }).count()).toBe(0);
    await page.getByRole('button', { name: 'Details of alpha' }).click();
    expect(await page.getByText('/pool/output').count()).toBe(1);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await faintTexts(page), colorScheme).toEqual([]);
    }
    // Upright A4 within the margins of the page: no details are opened there.
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 688, height: 970 });
    for (const name of ['Params', 'Time', 'Notes']) {
      expect(await page.getByRole('columnheader', { name }).count(), name).toBe(1);
    }
    expect(await page.locator('figure').isVisible()).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
