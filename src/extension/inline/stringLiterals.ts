/** A string in source code, without its quotes. */
export interface StringLiteral {
  readonly start: number;
  readonly content: string;
}

/**
 * The strings in one line of code, in linear time. It doesn't know comments or strings over several lines; a quote that
 * the line doesn't close (an apostrophe in a comment, say) is passed over.
 */
export function stringLiterals(line: string): StringLiteral[] {
  const literals: StringLiteral[] = [];
  const unclosed = new Set<string>();
  for (let at = 0; at < line.length; at++) {
    const quote = line[at];
    if ((quote !== "'" && quote !== '"') || unclosed.has(quote)) continue;
    const end = closingQuote(line, at + 1, quote);
    if (end === undefined) {
      unclosed.add(quote);
      continue;
    }
    if (end > at + 1) literals.push({ start: at + 1, content: line.slice(at + 1, end) });
    at = end;
  }
  return literals;
}

function closingQuote(line: string, from: number, quote: string): number | undefined {
  for (let at = from; at < line.length; at++) {
    if (line[at] === quote) return at;
    if (line[at] === '\\') at++;
  }
  return undefined;
}
