/** Values of the VS Code colour tokens for the HTML report, where no editor sets them: Light Modern and Dark Modern. */

interface Theme {
  foreground: string;
  descriptionForeground: string;
  errorForeground: string;
  focusBorder: string;
  'editor-background': string;
  'editorWarning-foreground': string;
  'charts-blue': string;
  'textLink-foreground': string;
  'list-hoverBackground': string;
  'settings-textInputBackground': string;
  'settings-textInputForeground': string;
  'settings-textInputBorder': string;
  'input-placeholderForeground': string;
}

const light: Theme = {
  foreground: '#3b3b3b',
  descriptionForeground: '#616161',
  errorForeground: '#b01011',
  focusBorder: '#005fb8',
  'editor-background': '#ffffff',
  'editorWarning-foreground': '#9a6700',
  'charts-blue': '#0063d3',
  'textLink-foreground': '#005fb8',
  'list-hoverBackground': '#f2f2f2',
  'settings-textInputBackground': '#ffffff',
  'settings-textInputForeground': '#3b3b3b',
  'settings-textInputBorder': '#cecece',
  'input-placeholderForeground': '#767676',
};

const dark: Theme = {
  foreground: '#cccccc',
  descriptionForeground: '#9d9d9d',
  errorForeground: '#f85149',
  focusBorder: '#0078d4',
  'editor-background': '#1f1f1f',
  'editorWarning-foreground': '#cca700',
  'charts-blue': '#59a4f9',
  'textLink-foreground': '#4daafc',
  'list-hoverBackground': '#2a2d2e',
  'settings-textInputBackground': '#313131',
  'settings-textInputForeground': '#cccccc',
  'settings-textInputBorder': '#3c3c3c',
  'input-placeholderForeground': '#989898',
};

function declarations(theme: Theme): string {
  return Object.entries(theme)
    .map(([name, value]) => `--vscode-${name}: ${value};`)
    .join(' ');
}

/** The report's page: the reader's colour scheme on the screen, always light on paper. */
export const reportPageStyles = `
:root {
  color-scheme: light dark;
  --vscode-font-family: system-ui, -apple-system, "Segoe UI", Roboto, Ubuntu, sans-serif;
  --vscode-font-size: 14px;
  --vscode-editor-font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  ${declarations(light)}
}
@media screen and (prefers-color-scheme: dark) {
  :root { ${declarations(dark)} }
}
@media print {
  :root { color-scheme: light; --vscode-font-size: 11px; }
}
@page { margin: 14mm; }
html, body { margin: 0; padding: 0; background: var(--vscode-editor-background); }
`;
