import { PANE_MS } from '../../alerts/episode.ts';
import { formatNumber, formatDuration } from '../../alerts/measure-text.ts';
import type { Alert } from '../../alerts/alert.ts';
import type { Explanation } from '../../alerts/explain.ts';
import { timeTag, words } from './format.ts';
import { html, type Html } from './html.ts';

export interface ListedAlert {
  readonly alert: Alert;
  readonly explanation: Explanation;
}

/** Alerts as cards, in the order given. */
export function alertList(listed: readonly ListedAlert[], nowMs: number): Html {
  return html`<ul class="alerts">
    ${listed.map((entry) => card(entry, nowMs))}
  </ul>`;
}

function card({ alert: { episode, triage }, explanation }: ListedAlert, nowMs: number): Html {
  return html`<li>
    <article class="alert ${episode.severity} ${triage.status === 'closed' ? 'done' : ''}">
      <h3>
        <span class="severity ${episode.severity}">${episode.severity}</span>
        <a href="/alerts/${encodeURIComponent(episode.uid)}">${explanation.title}</a> ${stateOf(episode.isOpen, triage)}
      </h3>
      <p>${explanation.headline}</p>
      <dl class="meta">
        <div>
          <dt>${words(episode.entityKind)}</dt>
          <dd class="mono">${episode.entity}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>${timeTag(episode.sinceMs, nowMs)}</dd>
        </div>
        <div>
          <dt>${episode.isOpen ? 'For' : 'Lasted'}</dt>
          <dd>${formatDuration(lastedMs(episode))}</dd>
        </div>
        ${
          explanation.technique &&
          html`<div>
            <dt>ATT&amp;CK</dt>
            <dd>${explanation.technique.uid} <span class="faint">${explanation.technique.name}</span></dd>
          </div>`
        }
        <div>
          <dt>Findings</dt>
          <dd>${formatNumber(episode.findingCount)}</dd>
        </div>
      </dl>
    </article>
  </li>`;
}

/** Whether it goes on, and where people are with it. */
export function stateOf(isOpen: boolean, triage: Alert['triage']): Html {
  const verdict = triage.status === 'closed' && triage.verdict !== 'unknown' ? `: ${words(triage.verdict)}` : '';
  return html`<span class="state"
    >${isOpen ? html`<span class="on">Ongoing</span>` : 'Over'} ·
    ${words(triage.status)}${verdict}${triage.assignee !== undefined && ` · ${triage.assignee}`}</span
  >`;
}

/** From when it began to the end of its last pane. */
export function lastedMs(episode: Alert['episode']): number {
  return episode.lastPaneMs + PANE_MS - episode.sinceMs;
}
