import type { Candidate, RankingReport } from '../../protocol/report.ts';
import { formatBytes, formatCount, formatSeconds, formatTable } from './format.ts';

const COLUMNS = [
  'rank',
  'checkpoint',
  'architecture',
  'score',
  '90 % interval',
  'tied with',
  'features',
  'parameters',
  'size',
  'ms/sample',
];

/** The ranking as a table for a terminal; the metric that ranks is the first of a candidate's metrics. */
export function reportText(report: RankingReport): string {
  const { dataset, device, inference, timings } = report;
  const split = dataset.split === null ? '' : `, split ${dataset.split}`;
  const [, ...further] = [...new Set(report.candidates.flatMap(({ metrics }) => Object.keys(metrics)))];
  const lines = [
    `${dataset.name}: ${report.task}, ${dataset.samples} of ${dataset.availableSamples} samples${split}, ${dataset.classes} classes`,
    `metric ${report.metric} (${report.variant}), labels ${report.labelEncoders.join(', ')} (${report.labelEncoderReason}), seed ${report.seed}, device ${device.used} (${device.reason})`,
    '',
    formatTable(
      [...COLUMNS, ...further],
      report.candidates.map((candidate) => [
        ...row(candidate, report),
        ...further.map((metric) => candidate.metrics[metric]?.toFixed(4) ?? ''),
      ]),
    ),
    '',
    `${inference.samplesExtracted} samples extracted, ${inference.samplesFromCache} from the cache; ${formatSeconds(timings.totalSeconds)} in all`,
  ];
  return `${lines.join('\n')}\n`;
}

function row(candidate: Candidate, { candidates }: RankingReport): string[] {
  const [low, high] = candidate.interval;
  const ranks = candidates.filter(({ id }) => candidate.tiedWith.includes(id)).map(({ rank }) => `#${rank}`);
  return [
    String(candidate.rank),
    candidate.name,
    candidate.architecture,
    candidate.score.toFixed(4),
    `${low.toFixed(3)} … ${high.toFixed(3)}`,
    ranks.join(' '),
    String(candidate.featureDim),
    formatCount(candidate.parameters),
    formatBytes(candidate.bytes),
    candidate.latencyMs.toFixed(candidate.latencyMs < 10 ? 2 : 0),
  ];
}
