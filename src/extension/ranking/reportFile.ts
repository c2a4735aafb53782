import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RankingReport, rankingReportSchema } from '../../protocol/report.ts';

/** The last report of a workspace, kept over reloads of the window. */
export class ReportFile {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = path.join(folder, 'last-ranking.json');
  }

  /** The report; null where there is none, or one of another version of the extension. */
  async read(): Promise<RankingReport | null> {
    try {
      return rankingReportSchema.parse(JSON.parse(await readFile(this.#file, 'utf8')));
    } catch {
      return null;
    }
  }

  /** Written beside its place and renamed into it: another window sees the old report or the new one. */
  async write(report: RankingReport): Promise<void> {
    const unfinished = `${this.#file}.${randomUUID()}.tmp`;
    await mkdir(path.dirname(this.#file), { recursive: true });
    try {
      await writeFile(unfinished, JSON.stringify(report));
      await rename(unfinished, this.#file);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }
}
