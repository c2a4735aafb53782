/**
 * Text of others (names of files, messages about them) for a VS Code notification. VS Code makes `[label](command:…)`
 * in a notification a link that runs the command, so the brackets are drawn apart.
 */
export function plainText(text: string): string {
  return text.replaceAll('](', '] (');
}
