export interface RankingPage {
  /** Where the view is shown, for its layout. */
  readonly placement: 'view' | 'panel';
  readonly nonce: string;
  readonly script: string;
}

/** The page of the ranking view: only its own script runs, only its own resources load, and nothing reaches a network. */
export function rankingHtml({ placement, nonce, script }: RankingPage): string {
  // Styles are constructed sheets and icons are part of the script, so it needs no other source.
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1.0">
  <title>EMMS Ranking</title>
</head>
<body data-placement="${placement}">
  <script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
