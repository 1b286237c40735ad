import { parseAddress } from '../model/address.ts';
import { uidOf, type Finding } from '../model/finding.ts';
import { partitionOf } from '../model/key-hash.ts';
import type { DetectorSpec, EntityKind, Verdict } from './detector.ts';

/** Adds entity, pane and uid to what a detector said. */
export function makeFinding(
  spec: DetectorSpec<unknown>,
  verdict: Verdict,
  about: { entityKind: EntityKind; entity: string; paneMs: number },
): Finding {
  const { detector, ...said } = verdict;
  return {
    uid: uidOf(detector, about.entity, verdict.metric ?? '', about.paneMs),
    detector,
    detectorVersion: spec.version,
    family: spec.family,
    ...about,
    ...said,
  };
}

/** Partition of stage 2 that a host's findings belong to: that of its address. */
export function hostPartition(host: string, partitions: number): number {
  const bytes = parseAddress(host);
  if (!bytes) return 0;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 4);
  return partitionOf(words[0]!, words[1]!, words[2]!, words[3]!, partitions);
}
