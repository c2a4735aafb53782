import type { FromWebview } from '../protocol/webview.ts';
import type { Column } from './sort.ts';

/** What the parts of the view call when the person does something. */
export interface Handlers {
  /** Asks the extension host to act; null in the HTML report, where nobody could. */
  act: ((message: FromWebview) => void) | null;
  sortBy: (column: Column) => void;
  toggle: (candidateId: string) => void;
}
