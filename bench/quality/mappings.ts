/**
 * How the recorded data sets are read: mappings as a user would write them in the configuration, and no code. Label
 * columns are ignored here and read by the measurement alone.
 */
export const MAPPINGS = [
  { name: 'nab', match: '**/nab/data/**/*.csv', time: 'timestamp', device: '{stem}', values: ['value'] },
  {
    name: 'skab',
    match: '**/skab/**/*.csv',
    delimiter: ';',
    time: 'datetime',
    // Each recording is a device of its own.
    device: 'skab-{folder}-{stem}',
    ignore: ['anomaly', 'changepoint'],
  },
  {
    name: 'batadal',
    match: '**/batadal/*.csv',
    time: 'DATETIME',
    timeFormat: 'DD/MM/YY HH',
    device: 'batadal',
    ignore: ['ATT_FLAG'],
  },
  {
    name: 'wsn',
    match: '**/wsn/*.csv',
    time: 'reading',
    timeFormat: 'index:5000:2010-05-09T00:00:00Z',
    // One mote after the other stands in the file, each beginning at the start again.
    disorderMs: 8 * 3_600_000,
    device: 'mote-{column:mote_id}',
    values: ['humidity', 'temperature'],
    ignore: ['indoor', 'label'],
  },
] as const;
