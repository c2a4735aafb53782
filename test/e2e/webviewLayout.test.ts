import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { RankingReport } from '../../src/protocol/report.ts';
import { candidate, report } from '../helpers/report.ts';
import { useRankingBrowser } from './harness/rankingPage.ts';

const long = 'convnext_large_mlp.clip_laion2b_soup_ft_in12k_in1k_384_fine-tuned_2026-11-28';
const reports: Record<string, RankingReport> = {
  'small negative scores and long names': report(
    [
      candidate(1, long, {
        score: -0.00012,
        interval: [-0.0102, 0.01],
        tiedWith: ['checkpoints/b.onnx'],
        warnings: [long],
      }),
      candidate(2, 'b', { score: -0.002, interval: [-0.0092, 0.005], tiedWith: [`checkpoints/${long}.onnx`] }),
      candidate(3, 'c', { score: -0.02, interval: [-0.022, -0.018], architecture: 'CLIP ViT-H-14-378-quickgelu' }),
    ],
    { warnings: [`${long}/${long}: left out.`], skipped: [{ path: `/home/${long}/${long}`, reason: long }] },
  ),
  'scores in the thousands': report([
    candidate(1, 'a', { score: 1250, interval: [1200, 1300] }),
    candidate(2, 'b', { score: -4000, interval: [-4200, -3800] }),
  ]),
};

/** What does not fit: parts of the view that stick out of it or of their cell, and labels of the axis that touch. */
function misfits(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.querySelector('emms-ranking')?.shadowRoot;
    const width = document.documentElement.clientWidth;
    const shown = [...(root?.querySelectorAll('main *') ?? [])].filter(
      (part) => part.closest('svg, .hidden') === null && part.getBoundingClientRect().width > 0,
    );
    const outside = shown.filter((part) => part.getBoundingClientRect().right > width + 0.5);
    const cut = shown.filter((part) => part.matches('td, th') && part.scrollWidth > part.clientWidth + 1);
    const labels = [...(root?.querySelectorAll('.axis text') ?? [])]
      .map((label) => label.getBoundingClientRect())
      .filter((label) => label.width > 0);
    const touching = labels.filter((label, index) => label.left < (labels[index - 1]?.right ?? 0));
    return [
      ...outside.map((part) => `${part.tagName}.${part.className} sticks out`),
      ...cut.map((part) => `${part.tagName}.${part.className} is too narrow`),
      ...touching.map(() => 'labels of the axis touch'),
    ];
  });
}

describe.each(Object.entries(reports))('the ranking view with %s', (_what, ranking) => {
  const browser = useRankingBrowser();

  it.each(['view', 'panel'] as const)('fits into a %s of every width', async (placement) => {
    const { page, show } = await browser().open(placement);
    await show({ report: ranking });
    await page.locator('.toggle').first().click();
    // Stands in a column or, where there is none, under the name.
    await page.getByRole('button', { name: 'Size', exact: true }).click();
    // 170 px is the narrowest that VS Code makes a side bar.
    for (let width = 170; width < 1700; width += width < 400 ? 15 : 35) {
      await page.setViewportSize({ width, height: 900 });
      expect(await misfits(page), `${width} px`).toEqual([]);
    }
    await page.close();
  });
});
