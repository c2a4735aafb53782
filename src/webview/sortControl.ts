import { html, type TemplateResult } from 'lit';
import { arrowDownIcon, arrowUpIcon } from './icons.ts';
import { type Column, columns, type Sort } from './sort.ts';
import { headings } from './table.ts';

/**
 * Sorts where there is no room for the headers of all columns; the style sheet shows it there only. A column is chosen
 * as by its header: in the direction that it is mostly wanted in, which the button turns.
 */
export function sortControl({ column, descending }: Sort, sortBy: (column: Column) => void): TemplateResult {
  const choose = ({ currentTarget }: Event): void => {
    const chosen = currentTarget instanceof HTMLSelectElement ? columns[currentTarget.selectedIndex] : undefined;
    if (chosen !== undefined) sortBy(chosen);
  };
  return html`<div class="sort-control">
    <label>
      <span class="muted">Sort by</span>
      <select @change=${choose}>
        ${columns.map((one) => html`<option .selected=${one === column}>${headings[one].title}</option>`)}
      </select>
    </label>
    <button
      class="direction"
      title=${descending ? 'Sorted descending' : 'Sorted ascending'}
      aria-label="Descending"
      aria-pressed=${descending ? 'true' : 'false'}
      @click=${() => sortBy(column)}
    >
      ${descending ? arrowDownIcon : arrowUpIcon}
    </button>
  </div>`;
}
