import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventLog } from '../../log/event-log.ts';
import { VedetteError } from '../../model/errors.ts';
import { HighWater } from '../../olap/high-water.ts';
import { SINK_GROUP, SinkCommits } from '../../olap/sink-commits.ts';
import { useSegmentLog } from '../log/segment-log.fixture.ts';

const INTENT = { first: 3, last: 5 };
const HIGH = new HighWater(8, [['file', 30]]);

describe('what a sink commits', () => {
  const segments = useSegmentLog();
  let log: EventLog;
  let commits: SinkCommits;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    log = await segments.open({ fsync: 'never' });
    commits = openCommits();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const openCommits = () => new SinkCommits({ log, topic: 'events', partition: 0, maxSources: 8 });
  const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

  it('does not commit an intent again that was committed a moment ago', async () => {
    await commits.intend(INTENT, HIGH);
    const commit = vi.spyOn(log, 'commit');
    later(1900);
    await commits.confirm();
    expect(commit).not.toHaveBeenCalled();
  });

  it.each([2100, 3_600_000, -3_600_000])(
    'commits it again, the same, when the clock has moved by %i ms',
    async (ms) => {
      await commits.intend(INTENT, HIGH);
      const before = await log.committed(SINK_GROUP, 'events', 0);
      const commit = vi.spyOn(log, 'commit');
      later(ms);
      await commits.confirm();
      await commits.confirm();
      expect(commit.mock.calls).toEqual([[SINK_GROUP, 'events', 0, before]]);
      expect(before).toMatchObject({ offset: 3, metadata: expect.stringContaining('"last":5') as string });
    },
  );

  it('rejects when that is refused, since another holder has the partition', async () => {
    await commits.intend(INTENT, HIGH);
    vi.spyOn(log, 'commit').mockRejectedValue(new VedetteError('LOCKED', 'a newer epoch'));
    later(2100);
    await expect(commits.confirm()).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('rejects, to be tried again, when it stood still between that commit and its answer', async () => {
    await commits.intend(INTENT, HIGH);
    const commit = log.commit.bind(log);
    vi.spyOn(log, 'commit').mockImplementationOnce(async (...position) => {
      await commit(...position);
      later(2100);
    });
    later(2100);
    await expect(commits.confirm()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retry: true });
    await commits.confirm();
  });

  it('commits an intent first that the last holder left', async () => {
    await commits.intend(INTENT, HIGH);
    const next = openCommits();
    expect(await next.restore()).toMatchObject({ next: 3, intent: INTENT });
    const commit = vi.spyOn(log, 'commit');
    await next.confirm();
    expect(commit).toHaveBeenCalledTimes(1);
  });

  it('commits once that nothing is in flight, and not at all where nothing was stored', async () => {
    const commit = vi.spyOn(log, 'commit');
    const { next, high } = await commits.restore();
    await commits.settle(next, high);
    expect(commit).not.toHaveBeenCalled();
    await commits.intend(INTENT, high);
    await commits.settle(6, HIGH);
    await commits.settle(6, HIGH);
    expect(commit).toHaveBeenCalledTimes(2);
    expect(await openCommits().restore()).toMatchObject({ next: 6, intent: undefined });
  });
});
