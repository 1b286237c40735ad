import { describe, expect, it } from 'vitest';
import type { Episode } from '../../alerts/alert.ts';
import { episodesSchema } from '../../alerts/episode-config.ts';
import { EventBlockBuilder, type RowContext } from '../../ingest/block-builder.ts';
import { EventRow, TEXT } from '../../ingest/event-row.ts';
import { ControlKind, EventBlock } from '../../model/event-block.ts';
import { EventClass } from '../../model/event-columns.ts';
import { nameKey, partitionOf } from '../../model/key-hash.ts';
import { configureDetectors } from '../../stream/detector-registry.ts';
import { readPartials } from '../../stream/partials.ts';
import { Stage1 } from '../../stream/stage1.ts';
import { Stage2 } from '../../stream/stage2.ts';
import { checkpointed } from './run-stages.ts';

const T0 = Date.UTC(2026, 3, 1);
const EMPTY = new Uint8Array(0);

type Step = readonly [kind: string, source: string, second: number];

/** Stages that take steps: `d:NAME` is a reading of a device, any other word a control record. */
class Plant {
  readonly stage1: Stage1[];
  readonly stage2: Stage2;
  readonly roster: ReadonlySet<string>;
  private readonly builders: EventBlockBuilder[];
  private readonly offsets: number[];
  private position = 0;
  private readonly latest = new Map<string, Episode>();
  private readonly queue: Uint8Array[] = [];

  constructor(roster: readonly string[], partitions = 1) {
    this.roster = new Set(roster);
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    this.stage1 = all.map((partition) => this.createStage1(partition));
    this.stage2 = new Stage2({
      partition: 0, stage1Partitions: partitions, target: configureDetectors({}).target, groupOf: () => '',
      episodes: episodesSchema.parse({}), maxTargets: 100,
    }); // prettier-ignore
    this.builders = all.map(() => new EventBlockBuilder({ capacity: 60_000 }));
    this.offsets = all.map(() => 0);
  }

  createStage1(partition: number): Stage1 {
    return new Stage1({
      partition, stage2Partitions: 1, ...configureDetectors({}), roster: this.roster, groupOf: () => '',
      limits: { maxHosts: 100, newHostsPerMinute: 100, maxPairs: 100 },
    }); // prettier-ignore
  }

  add(...steps: readonly Step[]): this {
    for (const [kind, source, second] of steps) {
      const timeMs = T0 + second * 1000;
      if (kind.startsWith('d:')) this.reading(kind.slice(2), source, timeMs);
      else
        for (const builder of this.builders)
          builder.control(ControlKind[kind as keyof typeof ControlKind], source, timeMs);
    }
    return this;
  }

  /** Beats of devices every ten seconds from one second to another (exclusive), each followed by a tick. */
  beats(devices: readonly string[], source: string, fromS: number, toS: number): this {
    for (let second = fromS; second < toS; second += 10) {
      for (const device of devices) this.add([`d:${device}`, source, second]);
      this.add(['tick', source, second]);
    }
    return this;
  }

  /** Hands a partition's block to stage 1; what it gives waits for `settle`. */
  take(partition = 0): this {
    const block = new EventBlock(this.builders[partition]!.take());
    for (const { partials } of this.stage1[partition]!.process(block, this.offsets[partition]!++))
      for (const record of partials) if (record) this.queue.push(record);
    return this;
  }

  /** Episodes by entity, in their last revision. */
  settle(): Record<string, string> {
    for (const partition of this.stage1.keys()) this.take(partition);
    for (const record of this.queue.splice(0))
      for (const episode of this.stage2.process(readPartials(record)).episodes) this.latest.set(episode.uid, episode);
    return Object.fromEntries(
      [...this.latest.values()].map((episode) => [
        episode.entity,
        `${episode.isOpen ? 'open' : 'closed'} at ${(episode.firstPaneMs - T0) / 1000}${members(episode)}`,
      ]),
    );
  }

  private reading(device: string, source: string, timeMs: number): void {
    const row = new EventRow();
    row.eventClass = EventClass.reading;
    row.timeMs = row.startMs = timeMs;
    row.text = Buffer.from(`${device}level`);
    row.setText(TEXT.device, 0, device.length);
    row.setText(TEXT.metric, device.length, row.text.length);
    row.value = 1;
    const context: RowContext = {
      source, sourceBytes: Buffer.from(source), position: this.position++, receivedMs: 0, late: false, direction: 0,
      siteBytes: EMPTY, srcGroup: EMPTY, dstGroup: EMPTY, raw: EMPTY, rawStart: 0, rawEnd: 0,
    }; // prettier-ignore
    const key = nameKey(device);
    this.builders[partitionOf(key[0]!, key[1]!, key[2]!, key[3]!, this.builders.length)]!.append(row, context);
  }
}

function members(episode: Episode): string {
  const [first] = episode.evidence;
  return first?.members ? ` with ${first.members.join()}` : '';
}

describe('a device that stops', () => {
  // A beat every 10 s: allowed are the three minutes of minPauseMs, so the last beat at 390 s is missed at 570 s.
  const others = ['b', 'c', 'd', 'e'];
  const roster = ['a', ...others];

  it('is told of at the pane of its deadline, and again when it is back', () => {
    const plant = new Plant(roster).beats(roster, 'plc#1', 0, 400).beats(others, 'plc#1', 400, 900);
    expect(plant.settle()).toEqual({ a: 'open at 570' });
    plant.beats(roster, 'plc#1', 900, 1200);
    expect(plant.settle()).toEqual({ a: 'closed at 570' });
  });

  it('is told of in the same pane when time jumps over it in one tick', () => {
    const plant = new Plant(roster)
      .beats(roster, 'plc#1', 0, 400)
      .add(['open', 'other#1', 390], ['idle', 'plc#1', 400]);
    plant.add(['tick', 'other#1', 90_000]);
    expect(plant.settle()).toEqual({ plc: `open at 570 with ${roster.join()}` });
  });

  it('is told of when its own next record is what moves time past the deadline', () => {
    const plant = new Plant(['a']).beats(['a'], 'plc#1', 0, 400).beats(['a'], 'plc#1', 5000, 5100);
    expect(plant.settle()).toEqual({ a: 'closed at 570' });
  });

  it('is one alert for the source where all of its devices stop, and ends with them', () => {
    const plant = new Plant(roster)
      .add(['open', 'other#1', 0])
      .beats(roster, 'plc#1', 0, 400)
      .add(['tick', 'other#1', 400]);
    plant.add(['idle', 'plc#1', 400], ['tick', 'other#1', 2000]);
    expect(plant.settle()).toEqual({ plc: `open at 570 with ${roster.join()}` });
    plant.beats(roster, 'plc#1', 2000, 2400).add(['tick', 'other#1', 2400]);
    expect(plant.settle()).toEqual({ plc: `closed at 570 with ${roster.join()}` });
  });

  it('is not told of after its source was closed, nor by the record that opens it again', () => {
    const plant = new Plant(roster)
      .add(['open', 'other#1', 0])
      .beats(roster, 'plc#1', 0, 400)
      .add(['tick', 'other#1', 400]);
    plant.add(['closed', 'plc#1', 400], ['tick', 'other#1', 5000]);
    expect(plant.settle()).toEqual({});
    plant.add(['open', 'plc#2', 5000]).beats(roster, 'plc#2', 5010, 5400).add(['tick', 'other#1', 5400]);
    expect(plant.settle()).toEqual({});
    const alone = new Plant(roster).beats(roster, 'plc#1', 0, 400).add(['closed', 'plc#1', 400]);
    alone.add(['open', 'plc#2', NaN]).beats(roster, 'plc#2', 5010, 5400);
    expect(alone.settle()).toEqual({});
  });

  it('is not told of while time itself stands still', () => {
    const plant = new Plant(roster).add(['open', 'slow#1', 0]).beats(roster, 'plc#1', 0, 400);
    plant.beats(others, 'plc#1', 400, 5000);
    expect(plant.settle()).toEqual({});
  });

  it('is watched again after its pauses had taken it out of the watch', () => {
    const beat = (fromS: number, toS: number): Step[] =>
      Array.from({ length: (toS - fromS) / 600 }, (_, i): Step => ['d:x', 'plc#1', fromS + i * 600]);
    const plant = new Plant([]).add(['open', 'plc#1', 0], ...beat(0, 90_000));
    // Watched after a day; a long pause, then days without one.
    plant.add(...beat(120_000, 1_200_000), ['tick', 'plc#1', 1_200_000]);
    plant.settle();
    plant.add(['tick', 'plc#1', 2_000_000]);
    expect(plant.settle()['x']).toMatch(/^open at 1/);
  });
});

describe('what is known of siblings', () => {
  it('is what was seen by then, however far ahead another partition is', () => {
    const early = ['a', 'b', 'c'];
    const later = Array.from({ length: 12 }, (_, i) => `late-${i}`);
    const run = (order: readonly number[]): Record<string, string> => {
      const plant = new Plant(early, 3).beats(early, 'plc#1', 0, 400);
      // The three stop; many more devices are seen first, much later.
      plant.add(['tick', 'plc#1', 1000]);
      if (order.length > 0) for (const partition of [0, 1, 2]) plant.take(partition);
      for (const device of later) plant.add([`d:${device}`, 'plc#1', 1010]);
      plant.add(['tick', 'plc#1', 1500]);
      for (const partition of order) plant.take(partition);
      return plant.settle();
    };
    const expected = { plc: 'open at 570 with a,b,c' };
    expect(run([])).toEqual(expected);
    expect(run([2, 1, 0])).toEqual(expected);
  });
});

describe('timers after a restore', () => {
  it('run out as they would have, also where the source was closed and opened in between', async () => {
    const prepare = (): Plant =>
      new Plant(['a', 'b'])
        .add(['open', 'other#1', 0])
        .beats(['a', 'b'], 'plc#1', 0, 400)
        .add(['tick', 'other#1', 400]);
    const finish = (plant: Plant): Record<string, string> => {
      plant.add(['closed', 'plc#1', 400], ['tick', 'other#1', 480], ['open', 'plc#2', 480], ['tick', 'plc#2', 2000]);
      return plant.add(['tick', 'other#1', 2000]).settle();
    };
    const live = prepare().take();
    const restored = prepare().take();
    restored.stage1[0] = await checkpointed(restored.stage1[0]!, restored.createStage1(0), () => undefined);
    expect(finish(restored)).toEqual(finish(live));
  });
});
