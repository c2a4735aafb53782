import { describe, expect, it } from 'vitest';
import { initialUiState, restoreUiState } from '../../../src/webview/uiState.ts';

describe('restoreUiState', () => {
  it('takes back what was kept', () => {
    const kept = { sort: { column: 'latencyMs', descending: true }, filter: 'vit', expanded: ['a.onnx'] };
    expect(restoreUiState(structuredClone(kept))).toEqual(kept);
  });

  it.each([
    undefined,
    null,
    'text',
    {},
    { sort: { column: 'no such column', descending: true }, filter: '', expanded: [] },
  ])('starts anew from %j', (kept) => expect(restoreUiState(kept)).toBe(initialUiState));
});
