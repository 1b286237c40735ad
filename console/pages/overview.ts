import { SEVERITIES } from '../../alerts/severity.ts';
import { FAMILIES, STATUSES } from '../api/alert-json.ts';
import type { Status } from '../backend.ts';
import { alertList, type ListedAlert } from './alert-list.ts';
import { arrivalCard } from './arrival.ts';
import { adviceCard, firstSteps } from './first-steps.ts';
import { words } from './format.ts';
import { html, type Html } from './html.ts';
import { layout } from './layout.ts';
import { deadLettersCard, sourcesCard, storeCard } from './sources.ts';

/** What the list is narrowed to; '' is everything. */
export interface OverviewFilter {
  readonly severity: string;
  readonly family: string;
  readonly status: string;
  readonly open: string;
}

export interface OverviewModel {
  readonly status: Status;
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly alerts: readonly ListedAlert[];
  readonly next?: string;
  readonly filter: OverviewFilter;
  /** Where this instance answers: `http://127.0.0.1:4070`. */
  readonly origin: string;
  readonly nowMs: number;
}

/** The first page: alerts, and whether anything arrives. */
export function overviewPage(model: OverviewModel): string {
  const { status, nowMs } = model;
  const isQuiet = status.totals.events === 0;
  return layout({
    title: 'Alerts',
    status,
    nowMs,
    main: html`<div class="columns">
      <div class="stack">
        <section aria-labelledby="alerts-title">
          <div class="head">
            <h1 id="alerts-title">Alerts</h1>
            ${filterForm(model.filter)}
          </div>
          <div id="alerts" data-live>
            ${model.alerts.length === 0 ? noAlerts(model) : alertList(model.alerts, nowMs)}${olderLink(model)}
          </div>
        </section>
        ${isQuiet && firstSteps(model.origin)}
      </div>
      <aside class="stack" aria-label="Pipeline">
        <div id="advice-place" data-live>${adviceCard(status.advice)}</div>
        ${arrivalCard(status.arrivals)} ${sourcesCard(status, nowMs)} ${deadLettersCard(model.deadLetters)}
        ${storeCard(status)}
        <p class="faint">
          <a href="/api/v1/openapi.json">API</a> · <a href="/api/v1/queries">SQL queries</a> ·
          <a href="/metrics">Metrics</a> · Vedette ${status.version}
        </p>
      </aside>
    </div>`,
  });
}

function noAlerts({ filter, status }: OverviewModel): Html {
  const isFiltered = Object.values(filter).some((value: string) => value !== '');
  if (isFiltered) return html`<p class="empty">No alert fits this filter. <a href="/">Show all</a></p>`;
  return html`<p class="empty">
    ${
      status.totals.events === 0
        ? 'Nothing has arrived yet. Below is how to send something.'
        : 'No alerts. Logs arrive, and nothing in them stands out.'
    }
  </p>`;
}

function olderLink({ next, filter }: OverviewModel): Html | undefined {
  if (next === undefined) return undefined;
  return html`<p class="more">
    <a href="/?${new URLSearchParams({ ...filter, cursor: next }).toString()}">Older alerts</a>
  </p>`;
}

function filterForm(filter: OverviewFilter): Html {
  return html`<form class="filters" method="get" action="/" role="search" aria-label="Alerts">
    ${select(
      'severity',
      'Severity',
      filter.severity,
      SEVERITIES.slice(1)
        .map((value) => [value, `${words(value)} and above`])
        .reverse(),
    )}
    ${select(
      'family',
      'Kind',
      filter.family,
      FAMILIES.map((value) => [value, words(value)]),
    )}
    ${select(
      'status',
      'Status',
      filter.status,
      STATUSES.map((value) => [value, words(value)]),
    )}
    ${select('open', 'Ongoing or over', filter.open, [
      ['true', 'Ongoing'],
      ['false', 'Over'],
    ])}
    <button>Filter</button>
  </form>`;
}

function select(name: string, label: string, chosen: string, options: readonly (readonly string[])[]): Html {
  const option = ([value = '', text = '']: readonly string[]) =>
    value === chosen
      ? html`<option value="${value}" selected>${text}</option>`
      : html`<option value="${value}">${text}</option>`;
  return html`<select name="${name}" aria-label="${label}">
    ${[['', label], ...options].map(option)}
  </select>`;
}
