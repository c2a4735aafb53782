import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RankingReport } from '../../protocol/report.ts';

/**
 * The ranking as one page that needs nothing else: it opens from disk, and its policy lets it load nothing and run
 * nothing but the view (dist/report.js) that is written into it.
 */
export async function reportHtml(report: RankingReport): Promise<string> {
  const view = await readFile(new URL('./report.js', import.meta.url), 'utf8');
  const hash = createHash('sha256').update(view).digest('base64');
  const title = escapeHtml(`${report.dataset.name}: which model to fine-tune`);
  // Inside a script element only "<" could end it; JSON may write it as an escape.
  const data = JSON.stringify(report).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
</head>
<body>
<noscript>This page shows its ranking with the script it contains. Turn on JavaScript to see it.</noscript>
<script type="application/json" id="emms-report">${data}</script>
<script>${view}</script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
