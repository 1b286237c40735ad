/** Real logs of the golden run, below the folder of the data sets. */
export const GOLDEN_PATHS = [
  'zeek/strato-011',
  'nab/data/realTraffic/speed_6005.csv',
  'nab/data/realTraffic/occupancy_6005.csv',
  'skab/valve1',
];
const NAB = { name: 'nab', match: '**/nab/**/*.csv', time: 'timestamp', device: '{stem}', metric: 'value' };
const SKAB = { name: 'skab', match: '**/skab/**/*.csv', delimiter: ';', time: 'datetime', device: 'skab-{stem}', ignore: ['anomaly', 'changepoint'] }; // prettier-ignore

export function goldenConfig(partitions: number): Record<string, unknown> {
  return {
    internal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '147.32.0.0/16'],
    log: { partitions },
    // Small blocks and many checkpoints, so that a kill has something to fall between.
    stream: { checkpointMs: 100, blockRows: 512 },
    sources: { csv: [NAB, SKAB] },
  };
}
