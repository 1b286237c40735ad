import type { Samples } from '../api/alert-json.ts';
import type { SampleEvent } from '../presentation.ts';
import { html, type Html } from './html.ts';

/** Of a value; the API gives the whole. */
const MOST_CHARS = 1000;

/** Raw events as the store has them; columns that are empty throughout are left out. */
export function samplesCard({ samples, missing }: Samples): Html {
  const columns = columnsOf(samples);
  return html`<section class="card" aria-labelledby="samples-title">
    <h2 id="samples-title">Sample events</h2>
    ${
      samples.length === 0
        ? html`<p class="faint">${missing === undefined ? 'None is stored.' : `Not to be had just now: ${missing}`}</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-labelledby="samples-title">
            <table class="mono">
              <thead>
                <tr>
                  ${columns.map((column) => html`<th scope="col">${column}</th>`)}
                </tr>
              </thead>
              <tbody>
                ${samples.map(
                  (sample) =>
                    html`<tr>
                      ${columns.map((column) => cell(sample[column]))}
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

function cell(value: unknown): Html {
  const text = textOf(value);
  const shown = text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
  return typeof value === 'number' ? html`<td class="number">${shown}</td>` : html`<td>${shown}</td>`;
}

/** In the order of the first sample that has them, the raw line last. */
function columnsOf(samples: readonly SampleEvent[]): string[] {
  const names = new Set<string>();
  for (const sample of samples) {
    for (const [name, value] of Object.entries(sample)) if (!isEmpty(value)) names.add(name);
  }
  const hasRaw = names.delete('raw');
  return hasRaw ? [...names, 'raw'] : [...names];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === '::';
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  return JSON.stringify(value);
}
