/** A table for a terminal. Columns are as wide as their widest cell; nothing for no rows. Numbers are aligned to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [header, ...rows].map((row) => row.map(printable));
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  const numeric = header.map((_, column) => rows.every((row) => /^[-#≈\d]/.test(row[column] ?? '')));
  return lines
    .map((row) =>
      row
        .map((cell, column) =>
          numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A name from a file system may hold line breaks or escape sequences that would drive the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}
