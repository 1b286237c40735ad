import type { CsvMapping } from '../../ingest/decoder.ts';

/** How the recorded data sets are read: by mappings alone, as a user would write them in the configuration. */

const NAB: CsvMapping = {
  name: 'nab',
  match: '**/nab/data/**/*.csv',
  delimiter: ',',
  time: 'timestamp',
  timeFormat: 'iso',
  device: '{stem}',
  values: ['value'],
  ignore: [],
  units: {},
};

const SKAB: CsvMapping = {
  name: 'skab',
  match: '**/skab/**/*.csv',
  delimiter: ';',
  time: 'datetime',
  timeFormat: 'iso',
  device: 'skab-{folder}-{stem}',
  values: '*',
  ignore: ['anomaly', 'changepoint'],
  units: { Temperature: '°C', Voltage: 'V', Current: 'A', Pressure: 'bar', 'Volume Flow RateRMS': 'L/min' },
};

const BATADAL: CsvMapping = {
  name: 'batadal',
  match: '**/batadal/*.csv',
  delimiter: ',',
  time: 'DATETIME',
  timeFormat: 'DD/MM/YY HH',
  device: 'batadal',
  values: '*',
  ignore: ['ATT_FLAG'],
  units: {},
};

const WSN: CsvMapping = {
  name: 'wsn',
  match: '**/wsn/*.csv',
  delimiter: ',',
  time: 'reading',
  timeFormat: 'index:5000:2010-05-09T00:00:00Z',
  // One mote after the other stands in the file, each beginning at the start again.
  disorderMs: 8 * 3_600_000,
  device: 'mote-{column:mote_id}',
  values: ['humidity', 'temperature'],
  ignore: ['indoor', 'label'],
  units: { humidity: '%', temperature: '°C' },
};

export const MAPPINGS = [NAB, SKAB, BATADAL, WSN];
