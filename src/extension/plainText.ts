/**
 * Text of others (names of files, messages about them) for a VS Code notification. VS Code makes `[label](command:…)`
 * in a notification a link that runs the command, so the brackets are drawn apart.
 */
export function plainText(text: string): string {
  return text.replaceAll('](', '] (');
}

/**
 * Text of others for Markdown: every sign that Markdown could read something into, as itself; in one line, so that it stays
 * in its cell. VS Code's own `appendText` makes spaces of no break, and so lines that break in the middle of words.
 */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[!-/:-@[-`{-~]/g, (sign) => (sign === '<' ? '&lt;' : sign === '&' ? '&amp;' : `\\${sign}`));
}
