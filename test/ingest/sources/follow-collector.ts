import { FileFollower, type FileFollowerOptions, type FollowerState } from '../../../ingest/sources/file-follower.ts';
import { LineSplitter } from '../../../ingest/sources/line-splitter.ts';

export interface FollowedLine {
  readonly incarnation: string;
  readonly position: number;
  readonly text: string;
}

/** Reads a follower's lines as ingest does: a splitter for each incarnation, and a commit after each chunk. */
export class FollowCollector {
  readonly lines: FollowedLine[] = [];
  readonly problems: string[] = [];
  readonly #follower: FileFollower;
  readonly #done: Promise<void>;
  /** State as stored after the last commit; a restart goes on from it. */
  stored: FollowerState | undefined;

  constructor(options: FileFollowerOptions) {
    this.stored = options.state;
    this.#follower = new FileFollower({ pollMs: 10, changeEvents: 'ignore', ...options });
    this.#done = this.#collect();
  }

  get texts(): string[] {
    return this.lines.map((line) => line.text);
  }

  get incarnations(): string[] {
    return [...new Set(this.lines.map((line) => line.incarnation))];
  }

  /** Waits until there are so many lines; a moment more shows whether there are too many. */
  async until(count: number): Promise<string[]> {
    const deadline = Date.now() + 5000;
    while (this.lines.length < count && Date.now() < deadline) await pause(5);
    await pause(60);
    return this.texts;
  }

  async close(): Promise<void> {
    await this.#follower.close();
    await this.#done;
  }

  async #collect(): Promise<void> {
    const splitters = new Map<string, LineSplitter>();
    for (let chunk = await this.#follower.next(); chunk !== undefined; chunk = await this.#follower.next()) {
      const { incarnation } = chunk;
      let splitter = splitters.get(incarnation);
      if (splitter === undefined) {
        splitter = new LineSplitter({
          record: (bytes, start, end, position) => {
            this.lines.push({ incarnation, position, text: Buffer.from(bytes.subarray(start, end)).toString() });
          },
          rejected: () => undefined,
        });
        splitters.set(incarnation, splitter);
      }
      if (chunk.bytes.length > 0) splitter.push(chunk.bytes, chunk.position);
      if (chunk.last) splitter.finish();
      if (chunk.problem !== undefined) this.problems.push(chunk.problem);
      this.#follower.commit(incarnation, splitter.resumePosition);
      this.stored = JSON.parse(JSON.stringify(this.#follower.state())) as FollowerState;
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
