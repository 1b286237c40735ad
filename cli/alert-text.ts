import { formatMeasure } from '../alerts/measure-text.ts';
import type { AlertDetail } from '../console/api/alert-json.ts';
import { visibleText } from '../console/visible-text.ts';
import { stateOf } from './alert-rows.ts';
import type { Output } from './output.ts';

/** An alert as a page of text. */
export async function printAlert(output: Output, alert: AlertDetail): Promise<void> {
  const { explanation } = alert;
  const title = visibleText(alert.title);
  await output.write(`${output.paint('bold', title)}\n`);
  await output.text(
    `${alert.severity}; ${stateOf(alert)}${alert.verdict === 'unknown' ? '' : `, ${alert.verdict.replace('_', ' ')}`}; ${alert.uid}`,
  );
  await output.text(`\n${alert.headline}\n`);
  for (const paragraph of explanation.paragraphs) await output.text(paragraph);
  const { technique } = explanation;
  if (technique) {
    await output.text(
      `ATT&CK ${technique.version}: ${technique.uid} ${technique.name} (${technique.tactic}), ${technique.url}`,
    );
  }
  await section(output, 'What contributed');
  await printContributions(output, alert);
  if (explanation.next_steps.length > 0) {
    await section(output, 'To look at next');
    for (const step of explanation.next_steps) await output.text(`- ${step}`);
  }
  if (alert.comments.length > 0) {
    await section(output, 'Comments');
    for (const { at, by, text } of alert.comments) await output.text(`${at ?? ''} ${by}: ${text}`);
  }
  await section(output, 'Sample events');
  await printSamples(output, alert);
  await section(output, 'SQL of the raw rows');
  await output.text(alert.sql);
}

async function section(output: Output, title: string): Promise<void> {
  await output.write(`\n${output.paint('bold', title)}\n`);
}

async function printContributions(output: Output, alert: AlertDetail): Promise<void> {
  const rows = alert.evidence.flatMap((finding) =>
    finding.contributions.map(({ feature, observed, expected, unit, share }) => [
      [finding.detector, finding.metric].filter(Boolean).join(' '),
      feature,
      formatMeasure(observed, unit),
      formatMeasure(expected, unit),
      `${Math.round(share * 100)} %`,
    ]),
  );
  await output.table(
    [
      { title: 'DETECTOR', shrink: true },
      { title: 'FEATURE', shrink: true },
      { title: 'OBSERVED', align: 'right' },
      { title: 'EXPECTED', align: 'right' },
      { title: 'SHARE', align: 'right' },
    ],
    rows,
  );
}

async function printSamples(output: Output, alert: AlertDetail): Promise<void> {
  if (alert.sample_events.length === 0) {
    await output.text(alert.samples_missing ?? 'none is stored');
    return;
  }
  for (const sample of alert.sample_events) {
    const { raw } = sample;
    await output.text(visibleText(typeof raw === 'string' && raw !== '' ? raw : JSON.stringify(sample)));
  }
}
