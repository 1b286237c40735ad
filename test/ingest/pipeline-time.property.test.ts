import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IngestSource } from '../../ingest/ingest-source.ts';
import { COLUMN_INDEX } from '../../model/event-columns.ts';
import { PartitionClock } from '../../stream/partition-clock.ts';
import { paneOf } from '../../stream/time.ts';
import { at64 } from '../../model/words.ts';
import { NOW_MS, openPipeline, openReadings, readBlocks, write } from './pipeline-harness.ts';

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      source: fc.nat(2),
      advanceS: fc.integer({ min: -40, max: 60 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const), source: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('close' as const), source: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const), source: fc.constant(0) }) },
);

describe('the time that ingest and the partitions go by', () => {
  it('is the same: no record that ingest takes as in time meets a closed pane', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.array(
          fc.record({ startS: fc.integer({ min: -300, max: 0 }), disorderMs: fc.constantFrom(0, 10_000, 120_000) }),
          { minLength: 3, maxLength: 3 },
        ),
        async (steps, specs) => {
          const harness = await openPipeline({ blockRows: 5 });
          try {
            const sources: (IngestSource | undefined)[] = [];
            const times = specs.map(({ startS }) => NOW_MS - 3_600_000 + startS * 1000);
            let [opened, position] = [0, 0];
            for (const { do: action, source: number, ...rest } of steps) {
              let source = sources[number];
              if (!source || source.state === 'closed')
                source = sources[number] = openReadings(harness, `s${number}#${opened++}`, specs[number]);
              if (action === 'record') {
                times[number]! += (rest as { advanceS: number }).advanceS * 1000;
                write(source, { timeMs: times[number]!, position: position++ });
              } else if (action === 'flush') await harness.pipeline.flush();
              else source[action]();
            }
            await harness.pipeline.flush();
            const clock = new PartitionClock();
            let before = -Infinity;
            for (const block of await readBlocks(harness.log)) {
              const time = block.words(COLUMN_INDEX.time, 2);
              const late = block.u8(COLUMN_INDEX.late);
              for (let row = 0; row <= block.rows; row++) {
                for (const control of block.controls) if (control.row === row) clock.apply(control);
                expect(clock.openPane).toBeGreaterThanOrEqual(before);
                before = clock.openPane;
                if (row < block.rows && late?.[row] !== 1)
                  expect(paneOf(at64(time!, row))).toBeGreaterThanOrEqual(clock.openPane);
              }
            }
          } finally {
            await harness.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
