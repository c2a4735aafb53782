import { formatBytes, formatDuration, formatFixed, formatParameters } from '../../protocol/format.ts';
import type { Candidate, RankingReport } from '../../protocol/report.ts';
import { formatTable } from './table.ts';

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
  const classes = dataset.classes > 0 ? `, ${dataset.classes} classes` : '';
  const [, ...further] = [...new Set(report.candidates.flatMap(({ metrics }) => Object.keys(metrics)))];
  const lines = [
    `${dataset.name}: ${report.task}, ${dataset.samples} of ${dataset.availableSamples} samples${split}${classes}`,
    `metric ${report.metric} (${report.variant}), labels ${report.labelEncoders.join(', ')} (${report.labelEncoderReason}), seed ${report.seed}, device ${device.used} (${device.reason})`,
    '',
    formatTable(
      [...COLUMNS, ...further],
      report.candidates.map((candidate) => [
        ...row(candidate, report),
        ...further.map((metric) => {
          const value = candidate.metrics[metric];
          return value === undefined ? '' : formatFixed(value, 4);
        }),
      ]),
    ),
    '',
    `${inference.samplesExtracted} samples extracted, ${inference.samplesFromCache} from the cache; ${formatDuration(timings.totalSeconds)} in all`,
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
    formatFixed(candidate.score, 4),
    `${formatFixed(low, 3)} … ${formatFixed(high, 3)}`,
    ranks.join(' '),
    String(candidate.featureDim),
    formatParameters(candidate.parameters),
    formatBytes(candidate.bytes),
    candidate.latencyMs.toFixed(candidate.latencyMs < 10 ? 2 : 0),
  ];
}
