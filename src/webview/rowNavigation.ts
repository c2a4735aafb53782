import type { ReactiveController, ReactiveControllerHost } from 'lit';

interface Host extends ReactiveControllerHost {
  readonly renderRoot: ParentNode;
}

/**
 * The table from the keyboard, as VS Code's lists have it: Tab goes to one row and on, up and down, Home and End go from
 * row to row, right and left open and close the row's details. Otherwise 200 candidates were 400 stops on the way to
 * what lies below them.
 */
export class RowNavigation implements ReactiveController {
  readonly #host: Host;
  readonly #toggle: (candidateId: string) => void;
  /** Id of the candidate whose row the keyboard was in last. */
  #current: string | undefined;

  constructor(host: Host, toggle: (candidateId: string) => void) {
    this.#host = host;
    this.#toggle = toggle;
    host.addController(this);
  }

  hostUpdated(): void {
    const rows = this.#rows();
    const stop = rows.find((row) => row.dataset.candidateId === this.#current) ?? rows[0];
    for (const row of rows) {
      for (const button of row.querySelectorAll('button')) button.tabIndex = row === stop ? 0 : -1;
    }
  }

  readonly onFocusIn = ({ target }: FocusEvent): void => {
    const id = rowOf(target)?.dataset.candidateId;
    if (id === undefined || id === this.#current) return;
    this.#current = id;
    this.hostUpdated();
  };

  readonly onKeyDown = (event: KeyboardEvent): void => {
    const { target, key } = event;
    const row = rowOf(target);
    if (row === undefined || !(target instanceof HTMLElement)) return;
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const rows = this.#rows();
    const place = rows.indexOf(row);
    const destination = {
      ArrowDown: rows[place + 1],
      ArrowUp: rows[place - 1],
      Home: rows[0],
      End: rows.at(-1),
    }[key];
    if (destination !== undefined) destination.querySelector<HTMLElement>(`button.${target.className}`)?.focus();
    else if (key === 'ArrowRight' || key === 'ArrowLeft') {
      const open = row.querySelector('[aria-expanded="true"]') !== null;
      if (open !== (key === 'ArrowRight')) this.#toggle(row.dataset.candidateId ?? '');
    } else return;
    // The arrows would scroll, too.
    event.preventDefault();
  };

  #rows(): HTMLElement[] {
    return [...this.#host.renderRoot.querySelectorAll<HTMLElement>('tr.candidate')];
  }
}

function rowOf(target: EventTarget | null): HTMLElement | undefined {
  return target instanceof Element ? (target.closest<HTMLElement>('tr.candidate') ?? undefined) : undefined;
}
