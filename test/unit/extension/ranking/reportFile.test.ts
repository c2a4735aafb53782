import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ReportFile } from '../../../../src/extension/ranking/reportFile.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';
import { makeCandidate, makeReport } from '../../../helpers/workspaceReport.ts';

describe('ReportFile', () => {
  test('gives back what was written, and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    const report = makeReport([makeCandidate('a.onnx')]);
    const inner = path.join(folder, 'not', 'yet', 'there');
    await new ReportFile(inner).write(makeReport([]));
    await new ReportFile(inner).write(report);
    expect(await new ReportFile(inner).read()).toEqual(report);
    expect(await readdir(inner)).toEqual(['last-ranking.json']);
  });

  test.each(['', '{', '{}', '{"schemaVersion":2}'])('takes %j for no report', async (content) => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'last-ranking.json'), content);
    expect(await new ReportFile(folder).read()).toBeNull();
  });
});
