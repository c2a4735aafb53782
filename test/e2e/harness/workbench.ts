import path from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { artefacts } from './places.ts';
import { sleep, until } from './processes.ts';

/** VS Code's window: what a person can see and do there. Everything it asks for is looked for until it shows up. */
export class Workbench {
  readonly page: Page;
  readonly #url: string;
  readonly #extensionId: string;

  constructor(page: Page, url: string, extensionId: string) {
    this.page = page;
    this.#url = url;
    this.#extensionId = extensionId;
  }

  async open(folder: string): Promise<void> {
    await this.page.goto(`${this.#url}/?${new URLSearchParams({ folder })}`);
    await this.#ready();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.locator('.monaco-workbench').waitFor();
  }

  async #ready(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor();
    await this.page.locator('.explorer-viewlet .monaco-list-row').first().waitFor();
  }

  /** Runs a command from the palette. */
  async run(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    const row = this.choice(title);
    // The palette can open before the commands of extensions are known, or close again while VS Code still starts.
    await this.#insist(async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('F1');
      await input.waitFor({ timeout: 2000 });
      await input.fill(`>${title}`);
      await row.waitFor({ timeout: 2000 });
      await row.click({ timeout: 2000 });
    });
  }

  /** The row of the palette, or of a quick pick, that has exactly this label. */
  choice(label: string): Locator {
    const name = this.page.locator('.label-name').filter({ hasText: exactly(label) });
    return this.page.locator('.quick-input-list .monaco-list-row').filter({ has: name }).first();
  }

  /** Names a file in VS Code's own dialog, which the web has in the place of the system's. */
  async nameFile(file: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    // It writes its own proposal into the field when it has looked into the folder, over what was typed until then.
    await until('the dialog proposes a name', async () => /\.\w+$/.test(await input.inputValue()));
    await until('the dialog takes the name', async () => {
      await input.fill(file);
      await sleep(500);
      return (await input.inputValue()) === file;
    });
    await input.press('Enter');
  }

  /** A file or folder that the Explorer shows, by its name there. */
  explorerItem(name: string): Locator {
    return this.page.locator('.explorer-folders-view').getByRole('treeitem', { name, exact: true });
  }

  async showExplorer(): Promise<void> {
    await this.page.keyboard.press('Control+Shift+E');
    await this.explorer.waitFor();
  }

  get explorer(): Locator {
    return this.page.locator('.explorer-folders-view');
  }

  /**
   * A file or folder that a folder of the Explorer holds, which is unfolded until it shows it: a click while the tree is drawn can
   * get lost, or come so late that the next one folds it again.
   */
  async itemIn(folder: string, name: string): Promise<Locator> {
    const holder = this.explorerItem(folder).first();
    const item = this.explorerItem(name);
    await this.#insist(async () => {
      if ((await holder.getAttribute('aria-expanded')) !== 'true') await holder.click();
      await item.waitFor({ timeout: 5000 });
    });
    return item;
  }

  /** Opens a context menu, and gives the entry with that label (which may not be there). */
  async contextMenu(target: Locator, label: string): Promise<Locator> {
    await target.click({ button: 'right' });
    await this.#menu.waitFor();
    return this.#menu.locator('.action-menu-item').filter({ hasText: exactly(label) });
  }

  /** Opens a context menu until it has that entry: a tree that is still unfolding moves away under the pointer. */
  async contextMenuEntry(target: Locator, label: string): Promise<Locator> {
    const entry = this.#menu.locator('.action-menu-item').filter({ hasText: exactly(label) });
    await this.#insist(async () => {
      if (await this.#menu.isVisible()) await this.closeMenu();
      await this.contextMenu(target, label);
      await entry.waitFor({ timeout: 5000 });
    });
    return entry;
  }

  async pick(item: Locator): Promise<void> {
    // VS Code ignores clicks right after the menu has opened: click until it is gone.
    await this.#insist(async () => {
      await this.page.waitForTimeout(150);
      if (await this.#menu.isVisible()) await item.click({ timeout: 2000 });
      await this.#menu.waitFor({ state: 'detached', timeout: 1000 });
    });
  }

  async closeMenu(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.#menu.waitFor({ state: 'detached' });
  }

  get #menu(): Locator {
    return this.page.locator('.context-view .monaco-menu');
  }

  /** A notification, progress included, that shows the text. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: text });
  }

  /** The page of the extension's side view, and that of its editor panel. */
  get view(): FrameLocator {
    return this.#webview('[src*="purpose=webviewView"]');
  }

  get panel(): FrameLocator {
    return this.#webview(':not([src*="purpose=webviewView"])');
  }

  #webview(which: string): FrameLocator {
    // VS Code's own page, which holds the extension's.
    return this.page
      .frameLocator(`iframe.webview.ready[src*="extensionId=${this.#extensionId}"]${which}`)
      .frameLocator('#active-frame');
  }

  /** Changes the colour theme, by its name in VS Code's list, for as long as this window is open. */
  async useTheme(name: string, kind: 'vs' | 'vs-dark' | 'hc-black' | 'hc-light'): Promise<void> {
    await this.run('Preferences: Color Theme');
    await this.page.locator('.quick-input-widget input.input').fill(name); // the list draws only what fits
    await this.choice(name).click();
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
  }

  /** Tabs of the editor area, of all groups. */
  tab(name: string | RegExp): Locator {
    return this.page.locator('.tabs-container .tab').filter({ hasText: name });
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: path.join(artefacts, 'screenshots', `${name}.png`), animations: 'disabled' });
  }

  async #insist(act: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await act();
        return;
      } catch (error) {
        if (attempt === 6) throw error;
      }
    }
  }
}

const exactly = (text: string): RegExp => new RegExp(`^\\s*${text.replace(/[^\w\s]/g, '\\$&')}\\s*$`);
