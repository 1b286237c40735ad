import type { Alert, Triage } from '../../alerts/alert.ts';
import { VERDICTS } from '../api/alert-json.ts';
import { timeTag, words } from './format.ts';
import { html, type Html } from './html.ts';

/** Plain forms, so that they work without script. Each carries the version that the page showed. */
export function triageCard({ episode, triage }: Alert): Html {
  const action = `/alerts/${encodeURIComponent(episode.uid)}`;
  const version = html`<input type="hidden" name="version" value="${triage.version}" />`;
  const isClosed = triage.status === 'closed';
  return html`<section class="card" aria-labelledby="triage-title">
    <h2 id="triage-title">Triage</h2>
    ${
      triage.status !== 'in_progress' &&
      html`<form class="act" method="post" action="${action}/ack">
        ${version}
        <label>Comment (optional)<textarea name="comment" maxlength="4096"></textarea></label>
        <div>
          <button ${isClosed ? '' : html`class="primary"`}>${isClosed ? 'Take it up again' : 'Acknowledge'}</button>
        </div>
      </form>`
    }
    ${
      !isClosed &&
      html`<form class="act" method="post" action="${action}/close">
        ${version}
        <label>Comment (optional)<textarea name="comment" maxlength="4096"></textarea></label>
        <div class="row">
          <label
            >It was<br /><select name="verdict" required>
              <option value="">choose</option>
              ${VERDICTS.filter((verdict) => verdict !== 'unknown').map(
                (verdict) => html`<option value="${verdict}">${words(verdict)}</option>`,
              )}
              <option value="unknown">Don’t know</option>
            </select></label
          ><button>Close</button>
        </div>
      </form>`
    }
    ${
      triage.status === 'in_progress' &&
      html`<form class="act" method="post" action="${action}/comment">
        ${version}
        <label>Comment<textarea name="comment" maxlength="4096" required></textarea></label>
        <div><button>Comment</button></div>
      </form>`
    }
  </section>`;
}

export function commentsCard(comments: Triage['comments'], nowMs: number): Html | undefined {
  if (comments.length === 0) return undefined;
  return html`<section class="card" aria-labelledby="comments-title">
    <h2 id="comments-title">Comments</h2>
    <ul class="comments">
      ${comments.map(
        ({ atMs, by, text }) =>
          html`<li>
            <div class="faint">${by}, ${timeTag(atMs, nowMs)}</div>
            <div class="said">${text}</div>
          </li>`,
      )}
    </ul>
  </section>`;
}
