/** What a file's name says about its place in a rotated set. */
export interface RotatedName {
  /** The name without rotation marks and `.gz`: the same for all files of a set. `conn.log`, `conn.log.labeled`. */
  readonly canonicalName: string;
  /** The canonical name up to its first dot: `conn`. */
  readonly stem: string;
  readonly isCompressed: boolean;
  /** Digits of the date and time in the name, padded; '' where there is none. */
  readonly time: string;
  /** logrotate's number, 1 the newest; 0 where there is none. */
  readonly number: number;
}

/** Zeek's archive names, which carry the hours only: `conn.15:00:00-16:00:00.log.gz`. */
const HOURS = /[-._](\d\d):(\d\d):(\d\d)(?:-\d\d:\d\d:\d\d)?(?=$|[-._])/;

/**
 * A date, and a time down to the second where there is one: `-20260101`, `.2018-01-30-00`, `_2026-01-01T00:00:00Z`. A
 * second such time behind it is where the file ends.
 */
const DATE_TIME =
  /(?:^|[-._])((?:19|20)\d\d)(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?:[-_T.]?([01]\d|2[0-3])(?:[-:]?([0-5]\d)(?:[-:]?([0-5]\d))?)?Z?)?(?:-(?:19|20)\d\d[-\d:TZ]*)?(?=$|[-._])/;

/** logrotate's dateformat `-%s`, at the end of the name. */
const EPOCH = /[-.](1\d{9})(?=$|\.labeled$)/;

const NUMBER = /\.(\d{1,3})(?=$|\.labeled$)/;

/** Reads a file's name (without folder). Names that carry no rotation mark are their own set's current file. */
export function parseRotatedName(name: string): RotatedName {
  const isCompressed = name.endsWith('.gz');
  let rest = isCompressed ? name.slice(0, -'.gz'.length) : name;
  let time = '';
  const numberMark = NUMBER.exec(rest);
  if (numberMark !== null && numberMark.index > 0) rest = without(rest, numberMark);
  const hours = HOURS.exec(rest);
  const date = hours === null ? DATE_TIME.exec(rest) : null;
  const epoch = hours === null && date === null ? EPOCH.exec(rest) : null;
  if (hours !== null) {
    time = `00000000${hours[1]}${hours[2]}${hours[3]}`;
    rest = without(rest, hours);
  } else if (date !== null) {
    const [, year, , month, day, hour = '00', minute = '00', second = '00'] = date;
    time = `${year}${month}${day}${hour}${minute}${second}`;
    rest = without(rest, date);
  } else if (epoch !== null) {
    time = new Date(Number(epoch[1]) * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14);
    rest = without(rest, epoch);
  }
  return {
    canonicalName: rest,
    stem: rest.split('.', 1)[0] ?? '',
    isCompressed,
    time,
    number: numberMark !== null && numberMark.index > 0 ? Number(numberMark[1]) : 0,
  };
}

/** Oldest first: by time, then by falling number; a name without either is the current file, and the last. */
export function compareRotatedNames(left: RotatedName, right: RotatedName): number {
  if (left.time !== right.time) {
    if (left.time === '') return left.number > 0 ? -1 : 1;
    if (right.time === '') return right.number > 0 ? 1 : -1;
    return left.time < right.time ? -1 : 1;
  }
  if (left.number !== right.number) {
    if (left.number === 0) return 1;
    if (right.number === 0) return -1;
    return right.number - left.number;
  }
  return 0;
}

function without(text: string, mark: RegExpExecArray): string {
  return text.slice(0, mark.index) + text.slice(mark.index + mark[0].length);
}
