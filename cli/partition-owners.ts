import { setTimeout as sleep } from 'node:timers/promises';
import { asError, VedetteError } from '../model/errors.ts';
import type { OnNotice } from './alert-publishing.ts';

/** What runs for a partition while this process owns it. */
export interface Owned {
  /** Runs until the signal aborts, and then ends in good order. Rejects when it cannot go on. */
  run(signal: AbortSignal): Promise<void>;
}

export interface PartitionOwnersOptions<T extends Owned> {
  /** For notices. */
  readonly role: string;
  /** Takes the partition over, restored and not yet running. */
  readonly open: (place: Place) => Promise<T>;
  readonly onNotice: OnNotice;
  /** An error that trying again cannot mend. */
  readonly onFailed: (error: Error) => void;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface Tenure<T> {
  readonly place: Place;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  current: T | undefined;
}

const PAUSE_MS = { first: 500, most: 10_000 };

/**
 * Keeps something running for each partition that is assigned to this process, and nothing for the others. What fails
 * because a server is away, or because somebody else has taken the partition over, is opened anew after a pause, for as
 * long as the partition is assigned.
 */
export class PartitionOwners<T extends Owned> {
  private readonly options: PartitionOwnersOptions<T>;
  private readonly tenures = new Map<string, Tenure<T>>();
  /** Tenures that are over and have not ended yet: a partition is opened again only behind the one before. */
  private readonly ending = new Map<string, Promise<void>>();

  constructor(options: PartitionOwnersOptions<T>) {
    this.options = options;
  }

  /** From now on these partitions, and no others. */
  assign(places: readonly Place[]): void {
    const wanted = new Map(places.map((place) => [keyOf(place), place]));
    for (const [key, tenure] of this.tenures) {
      if (wanted.has(key)) continue;
      this.tenures.delete(key);
      this.end(key, tenure);
    }
    for (const [key, place] of wanted) if (!this.tenures.has(key)) this.begin(key, place);
  }

  /** What runs now. */
  get running(): readonly (Place & { readonly owned: T })[] {
    return [...this.tenures.values()].flatMap(({ place, current }) => (current ? [{ ...place, owned: current }] : []));
  }

  get assigned(): readonly Place[] {
    return [...this.tenures.values()].map(({ place }) => place);
  }

  /** Resolves once everything that is no longer assigned has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.ending.values());
  }

  /** Ends all in good order. */
  async close(): Promise<void> {
    this.assign([]);
    await this.ended();
  }

  private begin(key: string, place: Place): void {
    const abort = new AbortController();
    const before = this.ending.get(key) ?? Promise.resolve();
    const tenure: Tenure<T> = {
      place,
      abort,
      current: undefined,
      ended: before.then(() => this.keep(place, abort.signal, (owned) => (tenure.current = owned))),
    };
    this.tenures.set(key, tenure);
  }

  private end(key: string, tenure: Tenure<T>): void {
    tenure.abort.abort();
    const ended = tenure.ended.then(() => {
      if (this.ending.get(key) === ended) this.ending.delete(key);
    });
    this.ending.set(key, ended);
  }

  private async keep(place: Place, signal: AbortSignal, onCurrent: (owned: T | undefined) => void): Promise<void> {
    const { role, open, onNotice, onFailed } = this.options;
    const name = `${role}: ${place.topic}/${place.partition}`;
    for (let pauseMs = PAUSE_MS.first; !signal.aborted; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
      const began = performance.now();
      try {
        const owned = await open(place);
        onCurrent(owned);
        await owned.run(signal);
        return;
      } catch (error) {
        if (signal.aborted) {
          // What is not finished is done again by whoever has the partition now.
          onNotice('info', `${name} was left: ${messageOf(error)}`);
          return;
        }
        if (!mayPass(error)) {
          onFailed(asError(error));
          return;
        }
        onNotice('warn', `${name} is opened again: ${messageOf(error)}`);
      } finally {
        onCurrent(undefined);
      }
      if (performance.now() - began > PAUSE_MS.most) pauseMs = PAUSE_MS.first;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof VedetteError && (error.retry || error.code === 'LOCKED');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
