/** The servers of a cluster, by the name that `--only` and the environment use. */
export const SERVER_KINDS = ['kafka', 'pulsar', 'cassandra', 'redis', 'clickhouse'] as const;

export type ServerKind = (typeof SERVER_KINDS)[number];

/** How one server process is started and how one sees that it answers. Made by the file of its kind. */
export interface ServerSpec {
  readonly kind: ServerKind;
  /** Its own name: the kind, or `kafka-1`, `kafka-2` where there are several. */
  readonly name: string;
  /** Folder of its data, configuration and log. */
  readonly dir: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Path of a named pipe that is its standard input and never ends; absent: no input. */
  readonly stdin?: string;
  /** Loopback ports by what they are for; the first is the one that clients use. */
  readonly ports: Readonly<Record<string, number>>;
  /** How long it may take until it answers on a busy machine, ms. */
  readonly startTimeoutMs: number;
  /** Writes what it needs before its first start (configuration, formatted storage). Safe to repeat. */
  prepare(): Promise<void>;
  /** Whether it serves clients now; never throws. */
  answers(): Promise<boolean>;
}
