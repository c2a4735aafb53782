/** Plain-text shapes of numbers and tables, for terminals. */

export function formatCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} B`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  if (count >= 1e3) return `${(count / 1e3).toFixed(0)} k`;
  return String(count);
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e3).toFixed(0)} kB`;
}

export function formatSeconds(seconds: number): string {
  if (seconds >= 90) return `${(seconds / 60).toFixed(0)} min`;
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

/** Columns as wide as their widest cell; nothing for no rows. Numbers are aligned to the right. */
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
