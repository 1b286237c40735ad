import type { Writable } from 'node:stream';
import { visibleText } from '../console/visible-text.ts';
import { csvLine } from './csv.ts';
import { type Column, formatTable } from './table.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'ndjson', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

const COLOURS = { bold: 1, dim: 2, red: 31, yellow: 33, green: 32, cyan: 36 } as const;
export type Colour = keyof typeof COLOURS;

/** A stream of text for a person or a program: process.stdout, or a test's. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/**
 * What a command prints. On a terminal tables fit its width and may have colour (unless NO_COLOR is set, see
 * no-color.org); elsewhere neither. A reader that goes away (`| head`) ends the output without an error.
 */
export class Output {
  readonly #stream: OutputStream;
  readonly #hasColour: boolean;
  #isGone = false;

  constructor(stream: OutputStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    const isPlain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
    this.#hasColour = stream.isTTY === true && !isPlain;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#isGone = true;
    });
  }

  /** Nobody reads any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** As it is; waits while the reader is behind. */
  async write(text: string): Promise<void> {
    if (this.#isGone || text === '') return;
    await new Promise<void>((resolve) => {
      this.#stream.write(text, () => resolve());
    });
  }

  async json(value: unknown): Promise<void> {
    await this.write(`${escapeForTerminal(JSON.stringify(value, undefined, 2))}\n`);
  }

  async ndjson(value: unknown): Promise<void> {
    await this.write(`${escapeForTerminal(JSON.stringify(value))}\n`);
  }

  /** JSON or NDJSON that is text already. */
  async jsonText(text: string): Promise<void> {
    await this.write(escapeForTerminal(text.endsWith('\n') || text === '' ? text : `${text}\n`));
  }

  async csv(cells: readonly (string | number | boolean | undefined)[]): Promise<void> {
    await this.write(csvLine(cells));
  }

  async table(columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<void> {
    const width = this.#stream.isTTY ? this.#stream.columns : undefined;
    const text = formatTable(columns, rows, width);
    const end = text.indexOf('\n');
    await this.write(this.paint('bold', text.slice(0, end)) + text.slice(end));
  }

  /** Text that may hold anything, in lines; shown without characters that a terminal obeys. */
  async text(text: string): Promise<void> {
    await this.write(`${visibleText(text, { keepLines: true })}\n`);
  }

  /** In colour, where there is any. The text must be visible text already. */
  paint(colour: Colour, text: string): string {
    return this.#hasColour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  }
}

/** JSON escapes C0 only; DEL, C1 and marks that reorder text are escaped here: it stays the same JSON. */
function escapeForTerminal(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_unit, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}
