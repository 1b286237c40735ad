import type { Config } from './schema.ts';

type Configured = Config['sources']['csv'][number];
/** A mapping whose optional keys are absent rather than undefined. */
type Mapping = Omit<Configured, 'metric' | 'disorderMs'> & { readonly metric?: string; readonly disorderMs?: number };

/** The configuration's CSV mappings as decoders take them. */
export function csvMappings(config: Config): Mapping[] {
  return config.sources.csv.map(({ metric, disorderMs, ...mapping }) => ({
    ...mapping,
    ...(metric === undefined ? {} : { metric }),
    ...(disorderMs === undefined ? {} : { disorderMs }),
  }));
}
