import { formatNumber } from '../../alerts/measure-text.ts';
import type { Status } from '../backend.ts';
import { ago, words } from './format.ts';
import { html, type Html } from './html.ts';

const SHOWN = 50;

/** What arrives from where. */
export function sourcesCard(status: Status, nowMs: number): Html {
  const { sources } = status;
  return html`<section class="card" id="sources" data-live aria-labelledby="sources-title">
    <h2 id="sources-title">Sources</h2>
    ${
      sources.length === 0
        ? html`<p class="faint">None has sent anything yet.</p>`
        : html`<table>
            <thead>
              <tr>
                <th scope="col">Source</th>
                <th scope="col" class="number">Events</th>
                <th scope="col" class="number">/s</th>
                <th scope="col" class="number">Last</th>
              </tr>
            </thead>
            <tbody>
              ${sources.slice(0, SHOWN).map(
                (source) =>
                  html`<tr>
                    <th scope="row">
                      <span class="dot ${source.state}"></span>${source.source}<br /><span class="faint"
                        >${source.format} ·
                        ${words(source.state).toLowerCase()}${source.late > 0 && ` · ${formatNumber(source.late)} late`}${source.deadLetters > 0 && ` · ${formatNumber(source.deadLetters)} unreadable`}</span
                      >
                    </th>
                    <td class="number">${formatNumber(source.events)}</td>
                    <td class="number">${formatNumber(source.eventsPerSecond)}</td>
                    <td class="number">
                      ${source.lastReceivedMs === undefined ? '–' : ago(source.lastReceivedMs, nowMs)}
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${sources.length > SHOWN && html`<p class="faint">and ${sources.length - SHOWN} more: see <a href="/api/v1/status">the status</a></p>`}
  </section>`;
}

/** Records that could not be read, by reason. */
export function deadLettersCard(counts: Readonly<Record<string, number>>): Html {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return html`<section class="card" id="dead-letters" data-live aria-labelledby="dead-letters-title">
    <h2 id="dead-letters-title">Dead letters</h2>
    ${
      entries.length === 0
        ? html`<p class="faint">Every record could be read.</p>`
        : html`<table>
              <thead>
                <tr>
                  <th scope="col">Reason</th>
                  <th scope="col" class="number">Records</th>
                </tr>
              </thead>
              <tbody>
                ${entries.map(
                  ([reason, records]) =>
                    html`<tr>
                      <th scope="row">
                        <a href="/api/v1/dead-letters?reason=${encodeURIComponent(reason)}">${words(reason)}</a>
                      </th>
                      <td class="number">${formatNumber(records)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
            <p class="faint">Once what was wrong is mended: <code>vedette dead-letters replay</code></p>`
    }
  </section>`;
}

/** What is stored, and how far behind anything is. */
export function storeCard(status: Status): Html {
  const sinkLag = status.sink.reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0);
  const streamLag = status.partitions.reduce((sum, { offset, end }) => sum + Math.max(0, end - offset), 0);
  const rows: [string, string][] = [
    ['Events', formatNumber(status.totals.events)],
    ['Late', formatNumber(status.totals.late)],
    ['Duplicates dropped', formatNumber(status.totals.duplicates)],
    ['Hosts', formatNumber(status.entities.hosts)],
    ['Devices', formatNumber(status.entities.devices)],
    ['Behind in detection', `${formatNumber(streamLag)} records`],
    ['Behind in storage', `${formatNumber(sinkLag)} records`],
    ['ClickHouse', status.olap.state],
    ...Object.entries(status.dropped)
      .filter(([, records]) => records > 0)
      .map(([reason, records]): [string, string] => [`Dropped: ${words(reason).toLowerCase()}`, formatNumber(records)]),
  ];
  return html`<section class="card" id="store" data-live aria-labelledby="store-title">
    <h2 id="store-title">Pipeline</h2>
    <table>
      <tbody>
        ${rows.map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="number">${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${status.note !== undefined && html`<p class="faint">${status.note}</p>`}
  </section>`;
}
