import { join } from 'node:path';
import { Random } from '../../sample/random.ts';
import { BACKGROUNDS, startOf, writeRepeatedDays } from './background.ts';
import { dataPath, hasData } from './data-root.ts';
import { recallFigures } from './figures.ts';
import { recordedRun } from './recorded-runs.ts';
import { skipped, type Figure } from './report.ts';
import { runPipeline, type Watched } from './run-pipeline.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, score, type Outcome, type Truth } from './scoring.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { writeConnLog, type Connection } from './zeek-conn.ts';

const MEGABYTE = 1e6;
const SIZES_MB = [10, 50, 100, 200, 500, 1000];
const MINUTES = [10, 40];
const FAMILY = 'data-loss';
const PROXY = 'zeek/rita-proxy-conn';

interface Case {
  readonly sizeMb: number;
  readonly minutes: number;
}
/** Of each case, at times of their own. */
const REPEATS = 3;
const CASES: readonly Case[] = SIZES_MB.flatMap((sizeMb) => MINUTES.map((minutes) => ({ sizeMb, minutes })));

interface Result {
  readonly sizeMb: number;
  readonly outcome: Outcome;
}

/** Uploads injected into real days: the backgrounds are recorded, the uploads are not. */
export async function measureExfiltration(): Promise<Figure[]> {
  const backgrounds = BACKGROUNDS.filter(({ folder }) => hasData(folder));
  if (backgrounds.length === 0) return [skipped('exfiltration', 'no zeek/strato-011')];
  const firstDay: Result[] = [];
  const later: Result[] = [];
  let others = 0;
  for (const background of backgrounds) {
    const startMs = startOf(background);
    await withScratchFolder(async (folder) => {
      const twoDays = join(folder, 'background', 'conn.log');
      await writeRepeatedDays(background, 2, twoDays);
      for (const [index, one] of Array.from({ length: REPEATS }, () => CASES)
        .flat()
        .entries()) {
        const random = new Random(index, `quality-exfiltration-${background.name}`);
        const onDay = (day: number): number => startMs + day * DAY_MS + Math.round(random.between(6, 22) * HOUR_MS);
        const young = await inject(
          dataPath(background.folder),
          [{ one, host: background.host, atMs: onDay(0) }],
          random,
        );
        const old = await inject(twoDays, [{ one, host: background.host, atMs: onDay(1) }], random);
        firstDay.push(...young.results);
        later.push(...old.results);
        others += young.others + old.others;
      }
    });
  }
  const proxy = hasData(PROXY) ? await intoProxy() : undefined;
  const days = backgrounds.map(({ name }) => name).join(' and ');
  return [
    ...sizeFigures('exfiltration', later, `injected into the second day of ${days} (the recorded day twice), over 10 and 40 min`),
    ...sizeFigures('exfiltration-first-day', firstDay, `injected into the recorded day of ${days} itself: the host is younger than 24 h`),
    ...(proxy ? sizeFigures('exfiltration-first-hours', proxy.results, 'injected into 12 hosts of rita-proxy-conn in their second hour') : [skipped('exfiltration-first-hours', 'no zeek/rita-proxy-conn')]),
    {
      name: 'exfiltration.other-alerts',
      value: others + (proxy?.others ?? 0),
      unit: 'alerts',
      runs: firstDay.length + later.length + (proxy?.results.length ?? 0),
      ok: others + (proxy?.others ?? 0) === 0,
      limit: '0',
      note: 'alerts that are not about the upload, over all these runs',
    },
  ]; // prettier-ignore
}

/** Every case at once, each into a host of its own: the hosts that were there for longest. */
async function intoProxy(): Promise<{ results: Result[]; others: number }> {
  const { watched } = await recordedRun(PROXY);
  const spanOf = (host: Watched): number => host.lastMs - host.firstMs;
  const hosts = watched.filter(({ entity }) => !/^(224|239|255)\.|:/.test(entity));
  const longest = hosts.sort((a, b) => spanOf(b) - spanOf(a)).slice(0, CASES.length);
  const random = new Random(1, 'quality-exfiltration-proxy');
  const uploads = longest.map(({ entity, firstMs }, index) => ({
    one: CASES[index]!,
    host: entity,
    atMs: Math.round(firstMs + random.between(1, 1.3) * HOUR_MS),
  }));
  return inject(dataPath(PROXY), uploads, random);
}

async function inject(
  background: string,
  uploads: readonly { one: Case; host: string; atMs: number }[],
  random: Random,
): Promise<{ results: Result[]; others: number }> {
  return withScratchFolder(async (folder) => {
    const path = join(folder, 'upload', 'conn.log');
    await writeConnLog(
      path,
      uploads.flatMap(({ one, host, atMs }, index) => uploadFlows(one, { host, atMs, peer: `45.83.64.${10 + index}` }, random)),
    ); // prettier-ignore
    const { episodes } = await runPipeline([background, path]);
    const truths = uploads.map(({ one, host, atMs }): Truth => {
      // The hour in which it ended is judged at its minute's close.
      return { entity: host, family: FAMILY, startMs: atMs, endMs: atMs + one.minutes * MINUTE_MS, graceMs: HOUR_MS };
    });
    const { outcomes, falseAlarms } = score(truths, episodes);
    const results = outcomes.map((outcome, index) => ({ sizeMb: uploads[index]!.one.sizeMb, outcome }));
    return { results, others: falseAlarms.length };
  });
}

/** An upload as 4 to 8 connections of different size one after the other, 1 % of it coming back. */
export function uploadFlows(
  { sizeMb, minutes }: Case,
  place: { readonly host: string; readonly peer: string; readonly atMs: number },
  random: Random,
): Connection[] {
  const weights = Array.from({ length: random.integer(4, 8) }, () => random.between(0.5, 1.5));
  const sum = weights.reduce((a, b) => a + b, 0);
  let startMs = place.atMs;
  return weights.map((weight, index): Connection => {
    const share = weight / sum;
    const slotMs = share * minutes * MINUTE_MS;
    const bytes = Math.round(share * sizeMb * MEGABYTE);
    const flow: Connection = {
      startMs,
      durationMs: slotMs * 0.95,
      origin: place.host,
      originPort: 50_000 + index,
      responder: place.peer,
      responderPort: 443,
      protocol: 'tcp',
      state: 'SF',
      history: 'ShADadFf',
      originBytes: bytes,
      responderBytes: Math.round(bytes / 100),
      originPackets: Math.ceil(bytes / 1400),
      responderPackets: Math.ceil(bytes / 2800),
    };
    startMs += slotMs;
    return flow;
  });
}

function sizeFigures(name: string, results: readonly Result[], note: string): Figure[] {
  return SIZES_MB.flatMap((sizeMb) => {
    const outcomes = results.filter((result) => result.sizeMb === sizeMb).map(({ outcome }) => outcome);
    return recallFigures(`${name}.${sizeMb}MB`, outcomes, { note });
  });
}
