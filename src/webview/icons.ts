import { svg, type TemplateResult } from 'lit';

// Drawn here and not taken from the codicon font: the HTML report has no font beside it.
function icon(paths: TemplateResult): TemplateResult {
  return svg`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor"
    stroke-width="1.2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${paths}</svg>`;
}

export const chevronIcon = icon(svg`<path d="M6 3.5 10.5 8 6 12.5" />`);
export const arrowUpIcon = icon(svg`<path d="M8 12.5v-9M4.5 7 8 3.5 11.5 7" />`);
export const arrowDownIcon = icon(svg`<path d="M8 3.5v9M4.5 9 8 12.5 11.5 9" />`);
export const warningIcon = icon(svg`<path d="M8 2 14.5 13.5h-13zM8 6.5v3.25M8 11.4v.35" />`);
export const errorIcon = icon(svg`<circle cx="8" cy="8" r="6" /><path d="m5.75 5.75 4.5 4.5m0-4.5-4.5 4.5" />`);
export const exportIcon = icon(svg`<path d="M8 10V2.5M5 5.25 8 2.5l3 2.75M2.5 9v4.5h11V9" />`);
export const refreshIcon = icon(svg`<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3" />`);
