import type { FrameLocator, Page } from 'playwright-core';

/** Texts of the ranking view that stand out from what is behind them by less than WCAG's 4.5 : 1, as they are drawn. */
export function faintTexts(view: FrameLocator | Page): Promise<string[]> {
  return view.locator('emms-ranking').evaluate((host) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (canvas === null) throw new Error('The browser draws nothing.');

    /** Luminance of a pixel after colours, translucent ones too, are laid over each other. */
    const luminance = (colours: readonly string[]): number => {
      canvas.clearRect(0, 0, 1, 1);
      for (const colour of colours) {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
      }
      const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    // A webview is transparent: the editor's colour shines through.
    const editor = getComputedStyle(host).getPropertyValue('--vscode-editor-background');
    const backgrounds = (part: Element): string[] => {
      const root = part.getRootNode();
      const around = part.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
      return [...(around === null ? [editor] : backgrounds(around)), getComputedStyle(part).backgroundColor];
    };

    const texts = [...(host.shadowRoot?.querySelectorAll('main *') ?? [])].filter(
      (part) =>
        part.closest('.hidden, title, desc') === null &&
        part.getBoundingClientRect().width > 0 &&
        [...part.childNodes].some((node) => node instanceof Text && node.data.trim() !== ''),
    );
    return texts.flatMap((part) => {
      const { color, fill } = getComputedStyle(part);
      const behind = backgrounds(part);
      const [bright = 0, dark = 0] = [
        luminance([...behind, part instanceof SVGElement ? fill : color]),
        luminance(behind),
      ].sort((a, b) => b - a);
      const contrast = (bright + 0.05) / (dark + 0.05);
      return contrast < 4.5
        ? [`${contrast.toFixed(1)} : 1 ${part.tagName}.${part.getAttribute('class')} ${part.textContent}`]
        : [];
    });
  });
}
