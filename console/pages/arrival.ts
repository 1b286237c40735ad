import { formatNumber } from '../../alerts/measure-text.ts';
import type { Status } from '../backend.ts';
import { html, type Html } from './html.ts';

const HEIGHT = 72;
const MINUTES = 60;

/** Events a minute of the last hour as bars, one a minute, newest at the right; its sums stand beside it in words. */
export function arrivalCard(arrivals: Status['arrivals']): Html {
  const shown = arrivals.slice(-MINUTES);
  const most = shown.reduce((highest, { events }) => Math.max(highest, events), 0);
  const total = shown.reduce((sum, { events }) => sum + events, 0);
  const bars = shown.map(({ events }, index) => {
    const height = most === 0 || events === 0 ? 0 : Math.max(1, (events / most) * (HEIGHT - 2));
    const x = MINUTES - shown.length + index;
    return html`<rect x="${x + 0.1}" y="${(HEIGHT - height).toFixed(1)}" width="0.8" height="${height.toFixed(1)}" />`;
  });
  const summary = `${formatNumber(total)} events in the last hour, at most ${formatNumber(most)} a minute`;
  return html`<section class="card" id="arrival" data-live aria-labelledby="arrival-title">
    <h2 id="arrival-title">Arrival</h2>
    <svg class="rate" viewBox="0 0 ${MINUTES} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${summary}">
      <line x1="0" y1="${HEIGHT}" x2="${MINUTES}" y2="${HEIGHT}" />
      ${bars}
    </svg>
    <p class="axis"><span>60 min ago</span><span>now</span></p>
    <p class="faint">${summary}</p>
  </section>`;
}
