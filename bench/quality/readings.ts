import type { Episode } from '../../alerts/alert.ts';
import { dataPath, filesOf, hasData } from './data-root.ts';
import { falseAlarmFigure, namesOf, recallFigures } from './figures.ts';
import { batadalLabels, intervalsOf, skabLabels, wsnLabels, type LabelledPoint } from './labels.ts';
import { nabSeries } from './nab.ts';
import { recordedRun } from './recorded-runs.ts';
import { skipped, type Figure } from './report.ts';
import type { Watched } from './run-pipeline.ts';
import {
  addPoints, countPoints, entityDays, episodeInterval, pointRates, score, type Interval, type PointCounts, type Truth,
} from './scoring.ts'; // prettier-ignore

const FAMILY = 'data-corruption';
const SPLITS = ['dev', 'held-out'] as const;

/** Readings of real (and, BATADAL, simulated) sensors, against their publishers' labels. */
export async function measureReadings(): Promise<Figure[]> {
  return [...(await onSkab()), ...(await onBatadal()), ...(await onNab()), ...(await onWsn())];
}

async function onSkab(): Promise<Figure[]> {
  if (!hasData('skab')) return [skipped('readings.skab', 'no skab')];
  const run = await recordedRun('skab');
  const recordings = filesOf('skab/valve1', '.csv').map(skabLabels);
  const figures = SPLITS.flatMap((split) => {
    const own = recordings.filter((recording) => (recording.run % 2 === 0) === (split === 'dev'));
    const devices = own.map(({ device }) => device);
    const truths = own.flatMap(({ device, points }) => truthsOf(device, intervalsOf(points)));
    const points = own.map((one) => pointsOf(one.points, one.device, run.episodes)).reduce(addPoints);
    const about = 'valve1, each recording of 19 min a device of its own';
    return [
      ...measured(`readings.skab.${split}`, { truths, devices, run, note: about }),
      pointFigure(`readings.skab.${split}`, points, 'published on all 34 recordings, a classifier trained on the first 400 points of each: Conv-AE .78/13.6/28.0, T²+Q .76/26.6/24.9, Isolation Forest .29/2.6/82.9; here valve1 only, nothing trained'), // prettier-ignore
    ];
  });
  const free = measured('readings.skab-anomaly-free.dev', {
    truths: [],
    devices: ['skab-anomaly-free-anomaly-free'],
    run,
    note: 'the recording without anomalies',
  });
  return [...figures, ...free];
}

async function onBatadal(): Promise<Figure[]> {
  if (!hasData('batadal')) return [skipped('readings.batadal', 'no batadal')];
  const run = await recordedRun('batadal');
  const clean = batadalLabels(dataPath('batadal/dataset03.csv'));
  const attacked = batadalLabels(dataPath('batadal/dataset04.csv'));
  const middle = clean[Math.floor(clean.length / 2)]!.timeMs;
  const spans = [
    { name: 'readings.batadal03.dev', startMs: clean[0]!.timeMs, endMs: middle, truths: [], note: 'first half of the clean year' },
    { name: 'readings.batadal03.held-out', startMs: middle, endMs: clean.at(-1)!.timeMs, truths: [], note: 'second half of the clean year, after the first' },
    { name: 'readings.batadal04.held-out', startMs: attacked[0]!.timeMs, endMs: attacked.at(-1)!.timeMs, truths: truthsOf('batadal', intervalsOf(attacked)), note: 'after the clean year, as one device of 43 signals' },
  ]; // prettier-ignore
  const figures = spans.flatMap(({ name, startMs, endMs, truths, note }) =>
    measured(name, {
      truths,
      devices: ['batadal'],
      run: {
        episodes: run.episodes.filter(({ firstPaneMs }) => firstPaneMs >= startMs && firstPaneMs < endMs),
        watched: [{ kind: 'device', entity: 'batadal', firstMs: startMs, lastMs: endMs }],
      },
      note,
    }),
  );
  const points = pointsOf(attacked, 'batadal', run.episodes);
  return [...figures, pointFigure('readings.batadal04.held-out', points, 'published on dataset04: F1 .731')];
}

async function onNab(): Promise<Figure[]> {
  if (!hasData('nab')) return [skipped('readings.nab', 'no nab')];
  const run = await recordedRun('nab');
  const series = nabSeries();
  const groups = [
    { name: 'windows', of: series.filter(({ windows }) => windows.length > 0), note: 'IT metrics and artificial series that have windows; the NAB score (HTM 69.7 to 70.5, Random Cut Forest 51.7) is another measure and is not compared' },
    { name: 'clean', of: series.filter(({ windows }) => windows.length === 0), note: 'series without windows' },
  ]; // prettier-ignore
  const folders = [...new Set(series.map(({ folder }) => folder))].map((folder) => {
    const own = series.filter((one) => one.folder === folder);
    const truths = own.flatMap(({ device, windows }) => truthsOf(device, windows));
    const devices = own.map(({ device }) => device);
    return measured(`readings.nab.${folder}`, { truths, devices, run, note: 'dev and held out together' });
  });
  const bySplit = groups.flatMap(({ name, of, note }) =>
    SPLITS.flatMap((split) => {
      const own = of.filter((one) => one.split === split);
      const truths = own.flatMap(({ device, windows }) => truthsOf(device, windows));
      if (own.length === 0) return [];
      return measured(`readings.nab-${name}.${split}`, { truths, devices: own.map(({ device }) => device), run, note });
    }),
  );
  return [...bySplit, ...folders.flat()];
}

async function onWsn(): Promise<Figure[]> {
  if (!hasData('wsn')) return [skipped('readings.wsn', 'no wsn')];
  const labels = wsnLabels(dataPath('wsn/singlehop.csv'));
  const truths = [...labels].flatMap(([device, points]) => truthsOf(device, intervalsOf(points)));
  const note = 'humidity and temperature motes, 6 h each, with introduced events';
  return measured('readings.wsn.dev', { truths, devices: [...labels.keys()], run: await recordedRun('wsn'), note });
}

function measured(
  name: string,
  about: {
    readonly truths: readonly Truth[];
    readonly devices: readonly string[];
    readonly run: { readonly episodes: readonly Episode[]; readonly watched: readonly Watched[] };
    readonly note: string;
  },
): Figure[] {
  const { truths, devices, run, note } = about;
  const episodes = run.episodes.filter(({ entity, family }) => family === FAMILY && devices.includes(entity));
  const { outcomes, falseAlarms } = score(truths, episodes);
  const days = entityDays(run.watched.filter(({ entity }) => devices.includes(entity)), truths);
  const who = falseAlarms.length > 0 && devices.length > 1 ? `${note}: ${namesOf(falseAlarms)}` : note;
  return [
    ...(truths.length > 0 ? recallFigures(name, outcomes, { note }) : []),
    falseAlarmFigure(`${name}.false-alarms`, falseAlarms, days, who),
  ];
} // prettier-ignore

function truthsOf(entity: string, intervals: readonly Interval[]): Truth[] {
  return intervals.map((interval) => ({ ...interval, entity, family: FAMILY }));
}

function pointsOf(points: readonly LabelledPoint[], device: string, episodes: readonly Episode[]): PointCounts {
  const own = episodes.filter(({ entity, family }) => entity === device && family === FAMILY);
  return countPoints(points, own.map(episodeInterval));
}

function pointFigure(name: string, points: PointCounts, published: string): Figure {
  const { f1, farPercent, marPercent } = pointRates(points);
  return {
    name: `${name}.point-f1`,
    value: f1,
    unit: 'F1',
    runs: points.truePositives + points.falseNegatives + points.falsePositives + points.trueNegatives,
    note: `FAR ${farPercent.toFixed(1)} %, MAR ${marPercent.toFixed(1)} %, each point for itself, no adjustment; ${published}`,
  };
}
