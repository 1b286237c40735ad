/** What alerts say of a detector; handed over by who knows the detectors. */
export interface DetectorInfo {
  readonly title: string;
  readonly version: string;
  /** OCSF analytic type: 1 rule, 2 behavioural, 3 statistical. */
  readonly analyticType: 1 | 2 | 3;
  readonly technique: {
    readonly uid: string;
    readonly name: string;
    readonly tactic: string;
    readonly tacticUid: string;
  };
}

/** By the detector's name. */
export type DetectorLookup = Readonly<Record<string, DetectorInfo>>;

/** Permanent address of a technique: a sub-technique's id has a dot where the address has a slash. */
export function techniqueUrl(uid: string): string {
  return `https://attack.mitre.org/techniques/${uid.replace('.', '/')}/`;
}
