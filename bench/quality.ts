/**
 * Detection quality on labelled data, with the defaults: recall, false alarms and delay. Prints a table, or with
 * `--json` one JSON object a line; progress on standard error. `--only NAME` runs one scenario.
 * Ends with 0 also where a limit is not kept: the lines say so.
 */
import { measureBudget } from './quality/budget.ts';
import { DATA_ROOT } from './quality/data-root.ts';
import { measureExfiltration } from './quality/exfiltration.ts';
import { checkAgainstWhole, measureFloods } from './quality/floods.ts';
import { measureReadings } from './quality/readings.ts';
import { toJson, toTable, type Figure } from './quality/report.ts';
import { measureSilence } from './quality/silence.ts';

const SCENARIOS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  pipeline: checkAgainstWhole,
  floods: measureFloods,
  silence: measureSilence,
  exfiltration: measureExfiltration,
  readings: measureReadings,
  budget: measureBudget,
};

const isJson = process.argv.includes('--json');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
console.error(`data: ${DATA_ROOT} (VEDETTE_DATA names another folder)`);
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(SCENARIOS)) {
  if (only !== undefined && only !== name) continue;
  const started = performance.now();
  const measured = await measure();
  figures.push(...measured);
  if (isJson) for (const figure of measured) console.log(toJson(figure));
  console.error(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
if (!isJson) console.log(toTable(figures));
