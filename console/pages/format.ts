import { isoTime } from '../query-types.ts';
import { html, type Html } from './html.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `45 s`, `12 min`, `3 h 20 min`, `5 d`: coarse, for what changes while one looks. */
function duration(elapsedMs: number): string {
  const ms = Math.max(0, elapsedMs);
  if (ms < MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) {
    const hours = Math.floor(ms / HOUR_MS);
    const minutes = Math.round((ms % HOUR_MS) / MINUTE_MS);
    return minutes === 0 || minutes === 60 ? `${hours + (minutes === 60 ? 1 : 0)} h` : `${hours} h ${minutes} min`;
  }
  return `${Math.round(ms / DAY_MS)} d`;
}

/** `12 min ago`; what lies ahead, `in 3 s`. */
export function ago(atMs: number, nowMs: number): string {
  const elapsedMs = nowMs - atMs;
  if (Math.abs(elapsedMs) < SECOND_MS) return 'now';
  return elapsedMs > 0 ? `${duration(elapsedMs)} ago` : `in ${duration(-elapsedMs)}`;
}

/** A moment in UTC, with how long ago that was. */
export function timeTag(atMs: number | undefined, nowMs: number): Html {
  const iso = isoTime(atMs);
  if (iso === undefined || atMs === undefined) return html`<span class="faint">–</span>`;
  return html`<time datetime="${iso}" title="${iso}"
    >${clock(iso, nowMs)} <span class="faint">${ago(atMs, nowMs)}</span></time
  >`;
}

/** `14:03:20`, with the day where it isn't today's. */
function clock(iso: string, nowMs: number): string {
  const time = iso.slice(11, 19);
  return iso.slice(0, 10) === isoTime(nowMs)?.slice(0, 10) ? time : `${iso.slice(0, 10)} ${time}`;
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** `in_progress` as people write it. */
export function words(code: string): string {
  const text = code.replace(/[_-]/g, ' ');
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
