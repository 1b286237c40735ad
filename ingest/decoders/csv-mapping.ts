import { basename, dirname } from 'node:path';
import { VedetteError } from '../../model/errors.ts';
import type { CsvMapping } from '../decoder.ts';

/** One piece of a device's name: fixed text, or a column of the line. */
export type DevicePart = { readonly text: string } | { readonly column: string };

const PLACEHOLDER = /\{(stem|folder|column:[^}]+)\}/g;

/** The first mapping whose `match` fits a file's path. */
export function mappingFor(path: string, mappings: readonly CsvMapping[]): CsvMapping | undefined {
  return mappings.find((mapping) => globToRegExp(mapping.match).test(path.replaceAll('\\', '/')));
}

/** `**` for any folders, `*` for any part of a name, `?` for one character. */
function globToRegExp(glob: string): RegExp {
  const source = glob.replaceAll(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    return `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}

/**
 * Pieces of the device's name for one file: `{stem}` is its name without folder, `.gz` and ending, `{folder}` the folder
 * it is in, `{column:NAME}` a cell. Throws CONFIG_INVALID for other placeholders, or where a name is asked of nothing.
 */
export function compileDevice(mapping: CsvMapping, fileName: string | undefined): DevicePart[] {
  const parts: DevicePart[] = [];
  let last = 0;
  for (const match of mapping.device.matchAll(PLACEHOLDER)) {
    const placeholder = match[1]!;
    if (match.index > last) parts.push({ text: mapping.device.slice(last, match.index) });
    last = match.index + match[0].length;
    if (placeholder.startsWith('column:')) {
      parts.push({ column: placeholder.slice('column:'.length) });
    } else if (fileName === undefined) {
      throw new VedetteError('CONFIG_INVALID', `mapping ${mapping.name}: {${placeholder}} needs a file`);
    } else {
      parts.push({ text: placeholder === 'stem' ? fileStem(fileName) : basename(dirname(fileName)) });
    }
  }
  if (last < mapping.device.length) parts.push({ text: mapping.device.slice(last) });
  const isBroken = parts.some((part) => 'text' in part && /[{}]/.test(part.text) && mapping.device.includes(part.text));
  if (parts.length === 0 || isBroken) {
    throw new VedetteError(
      'CONFIG_INVALID',
      `mapping ${mapping.name}: device '${mapping.device}': text with {stem}, {folder} or {column:NAME}`,
    );
  }
  return parts;
}

/** Whether devices are named by the file that they stand in. */
export function namesFile({ device }: CsvMapping): boolean {
  return /\{(?:stem|folder)\}/.test(device);
}

function fileStem(path: string): string {
  const name = basename(path).replace(/\.gz$/, '');
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}
