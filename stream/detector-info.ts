import { DETECTORS } from './detector-registry.ts';

/** By name, what alerts say of every detector. */
export const DETECTOR_INFO = Object.fromEntries(
  DETECTORS.map(({ name, title, version, analyticType, technique }) => [
    name,
    { title, version, analyticType, technique },
  ]),
);
