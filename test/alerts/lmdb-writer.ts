import { openLmdbAlertStore } from '../../alerts/lmdb/index.ts';
import { episode, T0 } from './samples.ts';

/** Writes episodes until it is killed; says on standard output what has been acknowledged. */
const store = openLmdbAlertStore({ dir: process.argv[2]! });
for (let i = 1; ; i++) {
  await store.putEpisodes([
    episode({ uid: 'rising', revision: i, lastPaneMs: T0 + i * 10_000 }),
    episode({ uid: `u${i}`, lastPaneMs: T0 }),
  ]);
  process.stdout.write(`${i}\n`);
}
