import { expect, it } from 'vitest';
import { requests } from '../../src/protocol/engine.ts';
import { candidate, report } from '../helpers/report.ts';
import { startEngine } from './engine.ts';

it('the engine renders a report that it did not make, as CSV and as one page that holds its script', async () => {
  const { connection } = startEngine();
  const ranking = report([candidate(1, 'a'), candidate(2, '</script><script>alert(1)</script>')]);
  const csv = await connection.sendRequest(requests.render.method, { report: ranking, format: 'csv' });
  expect(String(csv).split('\r\n')).toHaveLength(1 + 2 + 1);
  const html = String(await connection.sendRequest(requests.render.method, { report: ranking, format: 'html' }));
  expect(html.match(/<script/g)?.length).toBeGreaterThanOrEqual(2);
  expect(html).toContain("script-src 'sha256-");
  expect(html).not.toContain('</script><script>alert');
  const data = /<script type="application\/json" id="emms-report">(.*)<\/script>/.exec(html)?.[1] ?? '';
  expect(JSON.parse(data)).toEqual(ranking);
  await expect(connection.sendRequest(requests.render.method, { report: {}, format: 'csv' })).rejects.toThrow('report');
});
