import * as z from 'zod';
import { columns, rankOrder } from './sort.ts';

/** What the person set in the view, kept with the webview's state while its contents come anew from the host. */
const uiStateSchema = z.object({
  sort: z.object({ column: z.enum(columns), descending: z.boolean() }),
  filter: z.string(),
  expanded: z.array(z.string()),
});
export type UiState = z.infer<typeof uiStateSchema>;

export const initialUiState: UiState = { sort: rankOrder, filter: '', expanded: [] };

/** The kept state, or the initial one when there is none or an older version wrote it. */
export function restoreUiState(kept: unknown): UiState {
  const parsed = uiStateSchema.safeParse(kept);
  return parsed.success ? parsed.data : initialUiState;
}
