import { formatNumber, formatDuration } from '../../alerts/measure-text.ts';
import type { Alert } from '../../alerts/alert.ts';
import type { Samples } from '../api/alert-json.ts';
import type { Status } from '../backend.ts';
import type { Explanation } from '../../alerts/explain.ts';
import { PANE_MS } from '../../alerts/episode.ts';
import { lastedMs, stateOf } from './alert-list.ts';
import { evidenceCard } from './evidence.ts';
import { percent, timeTag, words } from './format.ts';
import { html, type Html } from './html.ts';
import { layout } from './layout.ts';
import { samplesCard } from './samples.ts';
import { commentsCard, triageCard } from './triage-forms.ts';

export interface AlertPageModel {
  readonly alert: Alert;
  readonly explanation: Explanation;
  readonly found: Samples;
  readonly status: Status;
  readonly nowMs: number;
}

/** One alert, with all that a person needs to judge it, and the means to say how they did. */
export function alertPage(model: AlertPageModel): string {
  const { alert, explanation, found, nowMs } = model;
  const { episode, triage } = alert;
  const uid = encodeURIComponent(episode.uid);
  return layout({
    title: explanation.title,
    status: model.status,
    nowMs,
    main: html`<p class="faint"><a href="/">Alerts</a> / <span class="mono">${episode.uid}</span></p>
      <div class="title" id="title" data-live>
        <p class="meta">
          <span class="severity ${episode.severity}">${episode.severity}</span> ${stateOf(episode.isOpen, triage)}
        </p>
        <h1>${explanation.title}</h1>
        <p class="headline">${explanation.headline}</p>
      </div>
      <div class="columns">
        <div class="stack">
          <section class="card" id="why" data-live aria-labelledby="why-title">
            <h2 id="why-title">Why</h2>
            ${why(explanation)}
          </section>
          ${evidenceCard(episode.evidence)} ${samplesCard(found)}
          <section class="card" aria-labelledby="sql-title">
            <h2 id="sql-title">SQL of the raw rows</h2>
            <pre class="soft">${explanation.sql}</pre>
          </section>
        </div>
        <aside class="stack" aria-label="Triage">
          ${triageCard(alert)} ${commentsCard(triage.comments, nowMs)}
          <section class="card" id="episode" data-live aria-labelledby="episode-title">
            <h2 id="episode-title">Episode</h2>
            ${episodeTable(alert, nowMs)}
            <p class="faint">
              <a href="/api/v1/alerts/${uid}">JSON</a> ·
              <a href="/api/v1/alerts/${uid}?format=ocsf">OCSF Detection Finding</a>
            </p>
          </section>
        </aside>
      </div>`,
  });
}

function why(explanation: Explanation): Html {
  const { technique, nextSteps } = explanation;
  return html`<div class="why">
      ${explanation.paragraphs.map((text) => html`<p>${text}</p>`)}
      ${technique && html`<p>ATT&amp;CK ${technique.version}: <a href="${technique.url}" rel="noreferrer">${technique.uid}</a> ${technique.name} <span class="faint">(${technique.tactic})</span></p>`}
    </div>
    ${
      nextSteps.length > 0 &&
      html`<h3>To look at next</h3>
        <ul class="advice">
          ${nextSteps.map((step) => html`<li>${step}</li>`)}
        </ul>`
    }`;
}

function episodeTable({ episode, triage }: Alert, nowMs: number): Html {
  const rows: [string, Html | string][] = [
    [words(episode.entityKind), html`<span class="mono wrap">${episode.entity}</span>`],
    ['Kind', words(episode.family)],
    ['Confidence', percent(episode.confidence)],
    ['First seen', timeTag(episode.firstPaneMs, nowMs)],
    ['Last seen', timeTag(episode.lastPaneMs + PANE_MS, nowMs)],
    ['Over', episode.closedMs === undefined ? (episode.isOpen ? 'no' : 'yes') : timeTag(episode.closedMs, nowMs)],
    ['Lasted', formatDuration(lastedMs(episode))],
    ['Findings', formatNumber(episode.findingCount)],
    ['Detectors', episode.detectors.join(', ')],
    ['Assigned to', triage.assignee ?? 'nobody'],
  ];
  return html`<table>
    <tbody>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td class="wrap">${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
