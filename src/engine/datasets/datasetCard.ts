/**
 * Names of the classes that a dataset card declares, by column. A card is the README.md of a dataset on the Hugging Face
 * Hub; the YAML at its start describes the columns (https://huggingface.co/docs/hub/datasets-cards):
 *
 *     - name: label
 *       dtype:
 *         class_label:
 *           names:
 *             '0': airplane
 *
 * Only this much of YAML is understood.
 */
export function classNamesInCard(text: string): Map<string, string[]> {
  const [, yaml = ''] = /^---\r?\n(.*?)\r?\n---/s.exec(text) ?? [];
  const classes = new Map<string, string[]>();
  let column: string | undefined;
  let names: string[] | undefined;
  for (const line of yaml.split(/\r?\n/)) {
    const [, named] = /^\s*-\s*name:\s*(.+?)\s*$/.exec(line) ?? [];
    const [, number, name] = /^\s*['"]?(\d+)['"]?:\s*(.+?)\s*$/.exec(line) ?? [];
    if (named !== undefined) {
      column = unquoted(named);
      names = undefined;
    } else if (/^\s*names:\s*$/.test(line) && column !== undefined && !classes.has(column)) {
      names = [];
      classes.set(column, names);
    } else if (names && number !== undefined && name !== undefined) {
      // Numbers follow each other; one that is far off is no class.
      if (Number(number) === names.length) names.push(unquoted(name));
    } else names = undefined;
  }
  return classes;
}

function unquoted(text: string): string {
  if (/^'.*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (/^".*"$/.test(text)) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  return text;
}
