import { formatNumber } from '../../alerts/measure-text.ts';
import type { Status } from '../backend.ts';
import { lastCheckpointMs, watermarkMs } from '../api/status-json.ts';
import { ago, timeTag } from './format.ts';
import { html, type Html } from './html.ts';

/** A lookout's tower and its view. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0b5cad" stroke-width="2"><path d="M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12z"/><circle cx="12" cy="12" r="3"/></svg>`;

/** A whole page around its main part. */
export function layout(page: {
  readonly title: string;
  readonly main: Html;
  readonly status?: Status;
  readonly nowMs: number;
}): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${page.title} · Vedette</title>
        <link rel="stylesheet" href="/assets/style.css" />
        <link rel="icon" type="image/svg+xml" href="/assets/icon.svg" />
        <script src="/assets/live.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <div>
            <a class="brand" href="/"
              ><svg viewBox="0 0 24 24" aria-hidden="true">
                <path d="M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12z" />
                <circle cx="12" cy="12" r="3" /></svg
              >Vedette</a
            >
            ${page.status ? facts(page.status, page.nowMs) : html`<dl class="facts"></dl>`}
            <div class="live">
              <output id="live-state" aria-live="polite"></output
              ><button type="button" id="live-toggle" hidden>Pause</button>
            </div>
          </div>
        </header>
        ${
          page.status?.isSample &&
          html`<div class="banner">
            <p>
              Sample data: a small office and a water plant that this program made up. Your own logs never mix with it:
              <code>vedette run</code> starts without it.
            </p>
          </div>`
        }
        <main id="main">${page.main}</main>
      </body>
    </html> `.markup;
}

function facts(status: Status, nowMs: number): Html {
  const checkpointMs = lastCheckpointMs(status);
  return html`<dl class="facts" id="facts" data-live>
    <div>
      <dt>Data</dt>
      <dd class="wrap">${status.dataDir}</dd>
    </div>
    <div>
      <dt>Events/s</dt>
      <dd>${formatNumber(status.eventsPerSecond)}</dd>
    </div>
    <div>
      <dt>Open alerts</dt>
      <dd>${formatNumber(status.alerts.open)}</dd>
    </div>
    <div>
      <dt>Watermark</dt>
      <dd>${timeTag(watermarkMs(status), nowMs)}</dd>
    </div>
    <div>
      <dt>Last checkpoint</dt>
      <dd>${checkpointMs === undefined ? 'none yet' : ago(checkpointMs, nowMs)}</dd>
    </div>
  </dl>`;
}

/** A page that only says something. */
export function messagePage(title: string, text: string, nowMs: number): string {
  return layout({
    title,
    nowMs,
    main: html`<div class="card">
      <h1>${title}</h1>
      <p class="wrap">${text}</p>
      <p><a href="/">Back to the alerts</a></p>
    </div>`,
  });
}
