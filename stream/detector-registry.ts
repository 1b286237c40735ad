import { VedetteError } from '../model/errors.ts';
import type { DetectorSpec, HostDetector, ReadingDetector, SilenceDetector, TargetDetector } from './detector.ts';
import { floodCeiling } from './detectors/flood-ceiling.ts';
import { largeUpload } from './detectors/large-upload.ts';
import { levelCusum } from './detectors/level-cusum.ts';
import { outboundVolume } from './detectors/outbound-volume.ts';
import { rateCusum } from './detectors/rate-cusum.ts';
import { readingRange } from './detectors/reading-range.ts';
import { silence } from './detectors/silence.ts';
import type { Configured } from './stage1.ts';

/** Every detector, by what steps it. To add one: its file, and its name here. */
const TARGET: readonly TargetDetector<unknown>[] = [floodCeiling, rateCusum];
const HOST: readonly HostDetector<unknown>[] = [outboundVolume, largeUpload];
const READING: readonly ReadingDetector<unknown>[] = [readingRange, levelCusum];
export const DETECTORS: readonly DetectorSpec<unknown>[] = [...TARGET, ...HOST, ...READING, silence];

export interface ConfiguredDetectors {
  readonly target: readonly Configured<TargetDetector<unknown>>[];
  readonly host: readonly Configured<HostDetector<unknown>>[];
  readonly reading: readonly Configured<ReadingDetector<unknown>>[];
  readonly silence: Configured<SilenceDetector<unknown>>;
}

/**
 * Gives every detector its configuration: `config` holds keys by a detector's name; what it leaves out has defaults.
 * Errors: CONFIG_INVALID, naming the detector or the key that does not exist.
 */
export function configureDetectors(config: Readonly<Record<string, unknown>>): ConfiguredDetectors {
  const known = new Set(DETECTORS.map((detector) => detector.name));
  const unknown = Object.keys(config).filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new VedetteError(
      'CONFIG_INVALID',
      `detectors: there is none called ${unknown.join(', ')}; there are ${[...known].join(', ')}`,
    );
  const configured = <D extends DetectorSpec<unknown>>(detector: D): Configured<D> => {
    const result = detector.schema.safeParse(config[detector.name] ?? {});
    if (!result.success) {
      const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
      throw new VedetteError('CONFIG_INVALID', `detectors.${detector.name} is not valid: ${problems.join('; ')}`);
    }
    return { detector, config: result.data };
  };
  return {
    target: TARGET.map(configured),
    host: HOST.map(configured),
    reading: READING.map(configured),
    silence: configured(silence),
  };
}
