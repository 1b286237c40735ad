import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PLANT_DEVICES } from '../../sample/plant-devices.ts';
import { planIncidents, type IncidentPlan } from '../../sample/incidents.ts';
import { plantReadings } from '../../sample/plant-readings.ts';
import { Random } from '../../sample/random.ts';
import { hasData, readLines } from './data-root.ts';
import { falseAlarmFigure, namesOf, recallFigures } from './figures.ts';
import { nabSeries, utcMs } from './nab.ts';
import { recordedRun } from './recorded-runs.ts';
import { skipped, type Figure } from './report.ts';
import { runPipeline, type PipelineRun } from './run-pipeline.ts';
import { DAY_MS, entityDays, HOUR_MS, score, type Score, type Truth } from './scoring.ts';
import { withScratchFolder } from './scratch-folder.ts';

const FAMILY = 'denial-of-service';
/** A removed device may be missed as late as this. */
const GRACE_MS = 6 * HOUR_MS;
/** `speed_6005` and `occupancy_6005` fall silent together. */
const SILENT: readonly Truth[] = ['speed_6005', 'occupancy_6005'].map((entity) => ({
  entity,
  family: FAMILY,
  startMs: utcMs('2015-09-04 22:41:00'),
  endMs: utcMs('2015-09-08 10:44:00'),
}));
const MUST_BE_QUIET = ['TravelTime_387', 'speed_7578'];
/** Two weeks at 5 minutes; one series is shorter. */
const AWS_SAMPLES = 4000;
/** Any day will do; it begins at midnight. */
const SAMPLE_START_MS = Date.UTC(2026, 0, 12);

export async function measureSilence(): Promise<Figure[]> {
  return [...(await onTraffic()), ...(await onPlant()), ...(await onRemovedSeries())];
}

async function onTraffic(): Promise<Figure[]> {
  if (!hasData('nab')) return [skipped('silence.nab', 'no nab')];
  const run = await recordedRun('nab');
  const silences = run.episodes.filter(({ family }) => family === FAMILY);
  const { outcomes, falseAlarms } = score(SILENT, silences);
  const irregular = falseAlarms.filter(({ entity }) => MUST_BE_QUIET.includes(entity));
  const otherAlarms = falseAlarms.filter(({ entity }) => !MUST_BE_QUIET.includes(entity));
  const others = run.watched.filter(({ entity }) => !SILENT.some((truth) => truth.entity === entity));
  return [
    ...recallFigures('silence.nab-6005', outcomes, {
      note: 'speed_6005 and occupancy_6005, silent from 2015-09-04 22:41 for 84 h',
      least: 1,
    }),
    {
      name: 'silence.nab-irregular.alarms',
      value: irregular.length,
      unit: 'alerts',
      runs: MUST_BE_QUIET.length,
      ok: irregular.length === 0,
      limit: '0',
      note: 'TravelTime_387 and speed_7578, irregular by nature',
    },
    falseAlarmFigure(
      'silence.nab-others.false-alarms',
      otherAlarms,
      entityDays(others),
      `all other NAB series; what alarmed are gaps that are really there (1 to 21 h), which nobody labelled: ${namesOf(otherAlarms)}`,
    ),
  ];
}

/** Three days of the generated plant, without its incidents; in each run three devices stop at random times. */
async function onPlant(): Promise<Figure[]> {
  const atOnce: Score[] = [];
  const onRoster: Score[] = [];
  const exposure = { atOnce: 0, onRoster: 0 };
  for (let seed = 1; seed <= 4; seed++) {
    const random = new Random(seed, 'quality-silence');
    const devices = random.pickSeveral(PLANT_DEVICES, 3).map(({ name }) => name);
    const lines = plantLines(seed, 3);
    const late = await runRemoved(
      lines,
      removals(devices, random, { fromMs: 30 * HOUR_MS, untilMs: 66 * HOUR_MS }),
      [],
    );
    atOnce.push(late.score);
    exposure.atOnce += late.days;
    const roster = PLANT_DEVICES.map(({ name }) => name);
    const early = removals(devices, random, { fromMs: 2 * HOUR_MS, untilMs: 21 * HOUR_MS });
    const listed = await runRemoved(lines.filter(isFirstDay), early, roster);
    onRoster.push(listed.score);
    exposure.onRoster += listed.days;
  }
  return [
    ...removedFigures('silence.plant', atOnce, exposure.atOnce, 'generated plant, 3 devices of 12 removed in each of 4 runs, after 30 h at the earliest; no roster'),
    ...removedFigures('silence.plant-roster', onRoster, exposure.onRoster, 'the same within the first day, after 2 h at the earliest; all devices on the roster'),
  ]; // prettier-ignore
}

interface Line {
  readonly timeMs: number;
  readonly device: string;
  readonly text: string;
}

/** Real series of servers, moved in time so that they begin together: one source of many devices, 5 of them removed. */
async function onRemovedSeries(): Promise<Figure[]> {
  const name = 'silence.aws';
  if (!hasData('nab')) return [skipped(name, 'no nab')];
  const series = nabSeries().filter(
    ({ folder, path }) => folder === 'realAWSCloudwatch' && readLines(path).length > AWS_SAMPLES,
  );
  const all = series.flatMap(({ path, device }) => {
    const [, ...records] = readLines(path);
    const beginsMs = utcMs(records[0] ?? '');
    return records.map((record): Line => {
      const timeMs = SAMPLE_START_MS + utcMs(record) - beginsMs;
      const value = record.slice(record.indexOf(',') + 1);
      return { timeMs, device, text: readingLine(timeMs, device, value) };
    });
  });
  // Up to where the first of them ends: the end of a recording is no silence.
  const ends = series.map((one) => all.findLast(({ device }) => device === one.device)?.timeMs ?? 0);
  const lines = all.filter(({ timeMs }) => timeMs <= Math.min(...ends)).sort((a, b) => a.timeMs - b.timeMs);
  const results: Score[] = [];
  let days = 0;
  for (let seed = 1; seed <= 3; seed++) {
    const random = new Random(seed, 'quality-silence-aws');
    const devices = random.pickSeveral(series, 5).map(({ device }) => device);
    const removed = removals(devices, random, { fromMs: 2 * DAY_MS, untilMs: 10 * DAY_MS });
    const run = await runRemoved(lines, removed, []);
    results.push(run.score);
    days += run.days;
  }
  return removedFigures(name, results, days, '16 real NAB CloudWatch series moved to one start, 5 of them removed in each of 3 runs; no roster'); // prettier-ignore
}

function removedFigures(name: string, results: readonly Score[], days: number, note: string): Figure[] {
  const falseAlarms = results.flatMap((result) => result.falseAlarms);
  return [
    ...recallFigures(name, results.flatMap(({ outcomes }) => outcomes), { note, least: 0.9 }),
    falseAlarmFigure(`${name}.false-alarms`, falseAlarms, days, namesOf(falseAlarms)),
  ]; // prettier-ignore
}

function plantLines(seed: number, days: number): Line[] {
  const planned = planIncidents(seed);
  const never: IncidentPlan = {
    ...planned,
    silence: { ...planned.silence, startMs: Infinity },
    wrongValues: { ...planned.wrongValues, startMs: Infinity },
  };
  const lines: Line[] = [];
  for (const text of plantReadings(seed, SAMPLE_START_MS, SAMPLE_START_MS + days * DAY_MS, never)) {
    const { time, device } = JSON.parse(text) as { time: string; device: string };
    lines.push({ timeMs: Date.parse(time), device, text });
  }
  return lines;
}

function isFirstDay(line: Line): boolean {
  return line.timeMs < SAMPLE_START_MS + DAY_MS;
}

/** From when on each device sends nothing, ms. */
function removals(devices: readonly string[], random: Random, range: { fromMs: number; untilMs: number }): Map<string, number> {
  return new Map(devices.map((device) => [device, SAMPLE_START_MS + Math.round(random.between(range.fromMs, range.untilMs))]));
} // prettier-ignore

async function runRemoved(
  lines: readonly Line[],
  removed: ReadonlyMap<string, number>,
  roster: readonly string[],
): Promise<{ score: Score; days: number }> {
  const kept = lines.filter(({ device, timeMs }) => timeMs < (removed.get(device) ?? Infinity));
  const run: PipelineRun = await withScratchFolder(async (folder) => {
    const path = join(folder, 'readings.ndjson');
    await writeFile(path, kept.map(({ text }) => `${text}\n`).join(''));
    return runPipeline([path], { roster });
  });
  const truths = [...removed].map(([entity, startMs]): Truth => {
    const last = kept.findLast(({ device }) => device === entity)?.timeMs ?? startMs;
    return { entity, family: FAMILY, startMs: last, endMs: startMs + GRACE_MS };
  });
  const silences = run.episodes.filter(({ family }) => family === FAMILY);
  return { score: score(truths, silences), days: entityDays(run.watched) };
}

function readingLine(timeMs: number, device: string, value: string): string {
  return `{"time":"${new Date(timeMs).toISOString()}","device":"${device}","metric":"value","value":${value}}`;
}
