import { createHash } from 'node:crypto';

/** What a detector found about one entity in one pane. Deterministic: a replay gives the same, with the same uid. */
export interface Finding {
  /** Hash of detector, entity (with its metric, where there is one) and pane. */
  readonly uid: string;
  readonly detector: string;
  readonly detectorVersion: string;
  readonly family: 'denial-of-service' | 'data-loss' | 'data-corruption';
  readonly entityKind: 'host' | 'device' | 'source';
  /** Address of a host, name of a device, id of a source. */
  readonly entity: string;
  /** Start of the pane, ms. */
  readonly paneMs: number;
  readonly sinceMs: number;
  readonly observed: number;
  readonly expected: number;
  readonly unit: string;
  readonly summary: string;
  readonly basis: string;
  /** 1 at the threshold. */
  readonly ratio: number;
  readonly confidence: number;
  readonly contributions: readonly {
    readonly feature: string;
    readonly observed: number;
    readonly expected: number;
    readonly unit: string;
    readonly share: number;
  }[];
  readonly metric?: string;
  readonly peer?: string;
  /** Model's name and version, where one scored. */
  readonly model?: { readonly name: string; readonly version: string };
  /** The condition is over. */
  readonly recovered?: true;
  /** Devices that fell silent with a source, where one alert stands for them all. */
  readonly members?: readonly string[];
}

/** Orders findings as stage 2 takes them: by pane, detector, entity, metric. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    a.paneMs - b.paneMs ||
    compareText(a.detector, b.detector) ||
    compareText(a.entity, b.entity) ||
    compareText(a.metric ?? '', b.metric ?? '')
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** First 16 bytes of SHA-256 over the parts, as hex. Parts are separated by a byte that texts here cannot hold. */
export function uidOf(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 32);
}
