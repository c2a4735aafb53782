import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/protocol/engine.ts';
import type { ViewState } from '../../../src/protocol/webview.ts';
import { announcement, progressShare } from '../../../src/webview/announce.ts';
import { candidate, report } from '../../helpers/report.ts';

const idle: ViewState = { report: null, running: null, problem: null };

function running(stage: Progress['stage'], done: number, total = 100): ViewState {
  return {
    ...idle,
    running: { dataset: 'fashion', progress: { stage, message: 'a', candidate: null, done, total, secondsLeft: null } },
  };
}

describe('announcement', () => {
  it('tells of the start, of stages and of quarters, and of nothing between', () => {
    expect(announcement(idle, running('discover', 0))).toBe('Ranking models for fashion.');
    expect(announcement(running('discover', 0), running('extract', 0))).toBe('Extracting features, 0%.');
    expect(announcement(running('extract', 26), running('extract', 49))).toBeNull();
    expect(announcement(running('extract', 49), running('extract', 50))).toBe('Extracting features, 50%.');
    expect(announcement(running('read', 0, 0), running('embed', 0, 0))).toBe('Embedding the labels.');
  });

  it('tells of the result, with ties', () => {
    const tied = report([candidate(1, 'a', { tiedWith: ['checkpoints/b.onnx'] }), candidate(2, 'b')]);
    expect(announcement(running('extract', 1), { ...idle, report: tied })).toBe(
      'Ranking of fashion finished: 2 candidates, a is first, tied with 1 other.',
    );
    expect(announcement(running('extract', 1), { ...idle, report: report([candidate(1, 'a')]) })).toBe(
      'Ranking of fashion finished: 1 candidate, a is first.',
    );
    expect(announcement(running('extract', 1), { ...idle, report: report([]) })).toContain(
      'no candidate could be ranked',
    );
    expect(announcement(running('extract', 1), idle)).toBe('The ranking ended without a result.');
  });

  it('leaves problems to their alert and says nothing where nothing ran', () => {
    expect(
      announcement(running('extract', 1), { ...idle, problem: { message: 'x', cancelled: false, remedy: 'resume' } }),
    ).toBeNull();
    expect(announcement(null, { ...idle, report: report([candidate(1, 'a')]) })).toBeNull();
    expect(announcement(idle, idle)).toBeNull();
  });
});

describe('progressShare', () => {
  it('is not known without a total and never above 1', () => {
    expect(progressShare(null)).toBeNull();
    expect(progressShare(running('read', 3, 0).running?.progress ?? null)).toBeNull();
    expect(progressShare(running('read', 30, 20).running?.progress ?? null)).toBe(1);
  });
});
