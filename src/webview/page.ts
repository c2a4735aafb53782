/**
 * Adds a style sheet to the page by script. A `<style>` element would need a nonce under the webview's content security
 * policy; a constructed sheet needs none.
 */
export function adoptStyles(text: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

/** The view brings its own padding; VS Code pads the body of every webview by 20 px. */
export const bareBody = 'html, body { margin: 0; padding: 0; }';
