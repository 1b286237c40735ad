import type { AlertStore } from '../alerts/alert.ts';
import type { AlertPublisher } from '../alerts/publisher.ts';

/** The store, with every change by a person written to the history as well. */
export function withHistory(store: AlertStore, publisher: Pick<AlertPublisher, 'publishTriage'>): AlertStore {
  return {
    putEpisodes: (episodes) => store.putEpisodes(episodes),
    get: (uid) => store.get(uid),
    list: (filter, page) => store.list(filter, page),
    counts: () => store.counts(),
    close: () => store.close(),
    triage: async (uid, version, change) => {
      const alert = await store.triage(uid, version, change);
      await publisher.publishTriage(alert);
      return alert;
    },
  };
}
