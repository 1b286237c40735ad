import { z } from 'zod';
import type { CommandContext } from './context.ts';

const differenceSchema = z.array(
  z.object({ uid: z.string(), family: z.string(), entity: z.string(), severity: z.string(), since: z.string() }),
);

const resultSchema = z.object({
  data: z.string(),
  rows: z.int(),
  lines: z.int(),
  sources: z.int(),
  events: z.int(),
  late: z.int(),
  duplicates: z.int(),
  dead_letters: z.record(z.string(), z.int()),
  alerts: z.object({
    live: z.int(),
    replayed: z.int(),
    same: z.int(),
    only_live: z.int(),
    only_replayed: z.int(),
    only_live_first: differenceSchema,
    only_replayed_first: differenceSchema,
  }),
});

const COLUMNS = [
  { title: 'ONLY' },
  { title: 'SINCE' },
  { title: 'SEVERITY' },
  { title: 'FAMILY' },
  { title: 'ENTITY', shrink: true },
  { title: 'UID' },
] as const;

/** What a replay came to: the alerts that differ as a table, the counts beside it. */
export async function printReplay({ output, notices }: CommandContext, value: unknown): Promise<void> {
  const result = resultSchema.parse(value);
  const { alerts } = result;
  const letters = Object.entries(result.dead_letters).map(([reason, count]) => `${reason} ${count}`);
  const rows = (
    [
      ['live', alerts.only_live_first],
      ['replay', alerts.only_replayed_first],
    ] as const
  ).flatMap(([where, list]) =>
    list.map(({ since, severity, family, entity, uid }) => [
      where,
      since.slice(0, 19).replace('T', ' '),
      severity,
      family,
      entity,
      uid,
    ]),
  );
  if (rows.length > 0) await output.table(COLUMNS, rows);
  const more = alerts.only_live + alerts.only_replayed - rows.length;
  await notices.text(
    [
      ...(more > 0 ? [`              and ${more} more that differ`] : []),
      `read          ${result.rows} rows of ${result.sources} sources, ${result.lines} lines`,
      `events        ${result.events}`,
      `late          ${result.late}`,
      `dead letters  ${letters.join(', ') || 'none'}`,
      ...(result.duplicates > 0 ? [`duplicates    ${result.duplicates}`] : []),
      `alerts        ${alerts.replayed}; live ${alerts.live}; the same ${alerts.same}`,
      `results       vedette alerts list --data ${result.data}`,
    ].join('\n'),
  );
}
