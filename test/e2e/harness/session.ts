import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import { type RankingReport, rankingReportSchema } from '../../../src/protocol/report.ts';
import { launchBrowser } from './browser.ts';
import { artefacts } from './places.ts';
import { until } from './processes.ts';
import { type Profile, Server, settingsFile } from './server.ts';
import { Workbench } from './workbench.ts';

/** One VS Code with the packaged extension, a browser that shows it, and a workspace: all fresh, all of one test file. */
export class Session {
  readonly workbench: Workbench;
  readonly workspace: string;
  /** Where this session's extension caches features. Empty at first. */
  readonly cache: string;
  /** Texts of the browser's own dialogs (alert, confirm, …) that opened. */
  readonly dialogs: string[];
  /** Of this session: the workspace is in it. */
  readonly folder: string;
  readonly #profile: Profile;
  readonly #server: Server;
  readonly #browser: Browser;

  private constructor(parts: {
    workbench: Workbench;
    folder: string;
    profile: Profile;
    server: Server;
    browser: Browser;
    dialogs: string[];
  }) {
    this.workbench = parts.workbench;
    this.workspace = path.join(parts.folder, 'workspace');
    this.cache = path.join(parts.folder, 'cache');
    this.dialogs = parts.dialogs;
    this.folder = parts.folder;
    this.#profile = parts.profile;
    this.#server = parts.server;
    this.#browser = parts.browser;
  }

  static async open(fill: (workspace: string) => Promise<void>, settings: Settings = {}): Promise<Session> {
    const folder = await mkdtemp(path.join(tmpdir(), 'emms-'));
    const profile = { home: path.join(folder, 'user'), extensions: inject('extensionsFolder') };
    const workspace = path.join(folder, 'workspace');
    await mkdir(workspace);
    await fill(workspace);
    await writeSettings(profile, { ...basicSettings, 'emms.cacheFolder': path.join(folder, 'cache'), ...settings });
    const server = await Server.start(profile);
    const browser = await launchBrowser();
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'dark',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      // VS Code asks before a window with work in progress is left; that one is no finding.
      if (dialog.type() !== 'beforeunload') dialogs.push(dialog.message());
      void dialog.accept();
    });
    const workbench = new Workbench(page, server.url, inject('extensionId'));
    await workbench.open(workspace);
    return new Session({ workbench, folder, profile, server, browser, dialogs });
  }

  /** The report of the last ranking, as the extension keeps it for the next time the window opens. */
  async storedReport(): Promise<RankingReport> {
    const storage = path.join(this.#profile.home, 'User/workspaceStorage');
    const file = await until('the extension keeps a report', async () => {
      const files = await readdir(storage, { recursive: true });
      return files.find((name) => path.basename(name) === 'last-ranking.json');
    });
    return rankingReportSchema.parse(JSON.parse(await readFile(path.join(storage, file), 'utf8')));
  }

  /** Leaves what helps to understand a failure below out/e2e. */
  async keepEvidence(name: string): Promise<void> {
    const place = path.join(artefacts, 'failures', name.replace(/[^\w]+/g, '-'));
    await mkdir(place, { recursive: true });
    await this.workbench.page.screenshot({ path: path.join(place, 'window.png') });
    await cp(path.join(this.#profile.home, 'logs'), path.join(place, 'logs'), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    // The server's file watcher ends a little later than the server.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

type Settings = Readonly<Record<string, unknown>>;

const basicSettings: Settings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.enableExperiments': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'explorer.compactFolders': false,
};

async function writeSettings(profile: Profile, settings: Settings): Promise<void> {
  await mkdir(path.dirname(settingsFile(profile)), { recursive: true });
  await writeFile(settingsFile(profile), JSON.stringify(settings, null, 2));
}

/** Opens a session for the tests of one file, and closes it after them. The session is there once tests run. */
export function useSession(fill: (workspace: string) => Promise<void>, settings?: Settings): () => Session {
  let session: Session | undefined;
  const current = (): Session => {
    if (session === undefined) throw new Error('The session is there in tests only.');
    return session;
  };
  beforeAll(async () => {
    session = await Session.open(fill, settings);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await session?.keepEvidence(task.name);
  });
  afterAll(async () => {
    await session?.close();
  });
  return current;
}
