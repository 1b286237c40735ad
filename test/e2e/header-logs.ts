/** Columns in an order of its own: only its header says which is which. */
export function connTsv(lines: number, startMs: number): string {
  const fields = [
    'ts',
    'id.resp_h',
    'id.orig_h',
    'uid',
    'id.orig_p',
    'id.resp_p',
    'proto',
    'duration',
    'resp_bytes',
    'orig_bytes',
  ];
  const head = [
    '#separator \\x09',
    '#empty_field\t(empty)',
    '#unset_field\t-',
    '#path\tconn',
    `#fields\t${fields.join('\t')}`,
  ];
  const body = Array.from({ length: lines }, (_, i) =>
    [
      (startMs / 1000 + i * 200).toFixed(6),
      '192.0.2.9',
      `10.0.0.${i % 20}`,
      `C${i}`,
      40_000 + i,
      443,
      'tcp',
      '1.500000',
      i * 3,
      i * 7,
    ].join('\t'),
  );
  return [...head, ...body, ''].join('\n');
}

/** Readings whose columns only the header names. */
export function metersCsv(lines: number, startMs: number): string {
  const body = Array.from(
    { length: lines },
    (_, i) => `${20 + (i % 7) / 10},meter-1,${new Date(startMs + i * 60_000).toISOString()},volume`,
  );
  return ['value,device,time,metric', ...body, ''].join('\n');
}
