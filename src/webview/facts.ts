import { html, nothing, type TemplateResult } from 'lit';
import { warningIcon } from './icons.ts';

/** An entry of a list of facts. @param hint for the pointer, and for screen readers */
export function fact(term: string, value: unknown, hint = ''): TemplateResult {
  return html`<div title=${hint || nothing}>
    <dt>${term}</dt>
    <dd>${value}${hint === '' ? nothing : html`<span class="hidden">: ${hint}</span>`}</dd>
  </div>`;
}

export function warningList(warnings: readonly string[]): TemplateResult | typeof nothing {
  if (warnings.length === 0) return nothing;
  return html`<ul class="warnings">
    ${warnings.map((warning) => html`<li>${warningIcon}<span>${warning}</span></li>`)}
  </ul>`;
}
