import type { LitElement, ReactiveController } from 'lit';

/**
 * Keeps the keyboard in the view when what it was on goes with an update: in the row of the same candidate, which may
 * have come into another group, or else on the heading of what there is now. A browser would drop it on the page.
 */
export class KeptFocus implements ReactiveController {
  readonly #host: LitElement;
  #focused: Element | null = null;

  constructor(host: LitElement) {
    this.#host = host;
  }

  hostUpdate(): void {
    this.#focused = this.#host.shadowRoot?.activeElement ?? null;
  }

  hostUpdated(): void {
    const focused = this.#focused;
    if (focused === null || focused.isConnected) return;
    (this.#sameInRow(focused) ?? this.#heading())?.focus();
  }

  #sameInRow(gone: Element): HTMLElement | null | undefined {
    const id = gone.closest<HTMLElement>('tr.candidate')?.dataset.candidateId;
    if (id === undefined) return undefined;
    return this.#host.shadowRoot?.querySelector<HTMLElement>(
      `tr.candidate[data-candidate-id="${CSS.escape(id)}"] button.${gone.className}`,
    );
  }

  #heading(): HTMLElement | null | undefined {
    const heading = this.#host.shadowRoot?.querySelector<HTMLElement>('h2');
    if (heading) heading.tabIndex = -1;
    return heading;
  }
}
