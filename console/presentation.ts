import type { Alert } from '../alerts/alert.ts';
import type { DetectorLookup } from '../alerts/detector-info.ts';
import { explain, type Explanation } from '../alerts/explain.ts';
import { type Activity, type DetectionFinding, toOcsf } from '../alerts/ocsf.ts';

/** A raw event behind an alert, as the store gives it: column name to value. */
export type SampleEvent = Readonly<Record<string, unknown>>;

export interface PresenterOptions {
  readonly detectors: DetectorLookup;
  readonly productVersion: string;
}

/** Makes alerts readable: for people, and for other programs. */
export class Presenter {
  readonly #options: PresenterOptions;

  constructor(options: PresenterOptions) {
    this.#options = options;
  }

  explain(alert: Alert): Explanation {
    return explain(alert, { detectors: this.#options.detectors });
  }

  /** An OCSF Detection Finding (class 2004) of the state that the alert is in. `origin`: where the instance answers. */
  toOcsf(alert: Alert, found: { readonly samples: readonly SampleEvent[]; readonly origin: string }): DetectionFinding {
    const samples = found.samples.map((sample) => ({ timeMs: timeOf(sample), raw: rawOf(sample) }));
    return toOcsf(alert, {
      ...this.#options,
      url: `${found.origin}/alerts/${alert.episode.uid}`,
      samples,
      activity: activityOf(alert),
    });
  }
}

function activityOf({ episode }: Alert): Activity {
  if (!episode.isOpen) return 'close';
  return episode.revision <= 1 ? 'create' : 'update';
}

/** ClickHouse writes `2026-11-21 02:26:10.000`, in UTC. */
function timeOf({ time }: SampleEvent): number {
  if (typeof time === 'number') return time;
  const text = typeof time === 'string' ? time.replace(' ', 'T') : '';
  const atMs = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(atMs) ? 0 : atMs;
}

function rawOf(sample: SampleEvent): string {
  return typeof sample['raw'] === 'string' ? sample['raw'] : JSON.stringify(sample);
}
