import { formatMeasure } from '../../alerts/measure-text.ts';
import type { Finding } from '../../model/finding.ts';
import { percent } from './format.ts';
import { html, type Html } from './html.ts';

/** The strongest findings, each with what made it fire. */
export function evidenceCard(evidence: readonly Finding[]): Html {
  return html`<section class="card" id="evidence" data-live aria-labelledby="evidence-title">
    <h2 id="evidence-title">What contributed</h2>
    ${evidence.length === 0 ? html`<p class="faint">No finding was kept.</p>` : evidence.map(findingPart)}
  </section>`;
}

function findingPart(finding: Finding): Html {
  const subject = [finding.metric, finding.peer && `with ${finding.peer}`].filter(Boolean).join(' ');
  return html`<div class="evidence">
    <h3>${finding.detector} ${subject !== '' && html`<span class="faint wrap">${subject}</span>`}</h3>
    <p>${finding.summary}</p>
    <p class="faint">${finding.basis}${finding.model && ` · model ${finding.model.name} ${finding.model.version}`}</p>
    ${finding.members && html`<p class="faint">Silent with it: ${finding.members.join(', ')}</p>`}
    ${finding.contributions.length > 0 && contributions(finding)}
  </div>`;
}

function contributions(finding: Finding): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Feature</th>
        <th scope="col" class="number">Observed</th>
        <th scope="col" class="number">Expected</th>
        <th scope="col">Share</th>
        <th scope="col" class="number"></th>
      </tr>
    </thead>
    <tbody>
      ${finding.contributions.map(
        ({ feature, observed, expected, unit, share }) =>
          html`<tr>
            <th scope="row">${feature}</th>
            <td class="number">${formatMeasure(observed, unit)}</td>
            <td class="number">${formatMeasure(expected, unit)}</td>
            <td>${bar(share)}</td>
            <td class="number">${percent(share)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function bar(share: number): Html {
  const width = Math.round(100 * Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)));
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect width="100" height="10" />
    <rect width="${width}" height="10" />
  </svg>`;
}
