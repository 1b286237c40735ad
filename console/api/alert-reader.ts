import type { Alert } from '../../alerts/alert.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Backend } from '../backend.ts';
import type { AlertSelection } from './alert-filter.ts';
import type { Samples } from './alert-json.ts';

/** Pages that one request walks through in search of a uid's beginning. */
const MAX_PAGES = 200;

/** One page of a selection, in the store's order. */
export async function listAlerts(
  backend: Backend,
  selection: AlertSelection,
  page: { readonly limit: number; readonly cursor?: string },
): Promise<{ alerts: Alert[]; next?: string }> {
  if (selection.uidPrefix === '') return backend.alerts.list(selection.filter, page);
  const exact = page.cursor === undefined ? await backend.alerts.get(selection.uidPrefix) : undefined;
  if (exact) return { alerts: [exact] };

  const alerts: Alert[] = [];
  let cursor = page.cursor;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const found = await backend.alerts.list(selection.filter, { limit: page.limit, ...(cursor && { cursor }) });
    alerts.push(...found.alerts.filter(({ episode }) => episode.uid.startsWith(selection.uidPrefix)));
    cursor = found.next;
    if (cursor === undefined || alerts.length > 0) break;
  }
  return { alerts, ...(cursor !== undefined && { next: cursor }) };
}

/** @throws VedetteError NOT_FOUND */
export async function findAlert(backend: Backend, uid: string): Promise<Alert> {
  const alert = await backend.alerts.get(uid);
  if (alert === undefined) throw new VedetteError('NOT_FOUND', `there is no alert ${uid}`);
  return alert;
}

/** Raw rows behind an alert, or why there are none just now. */
export async function findSamples(backend: Backend, uid: string, limit: number): Promise<Samples> {
  try {
    return { samples: await backend.sampleEvents(uid, limit) };
  } catch (error) {
    if (!(error instanceof VedetteError)) throw error;
    return { samples: [], missing: error.message };
  }
}
