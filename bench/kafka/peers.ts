import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findJava, findProgram } from '../../services/java.ts';
import { PROJECT_ROOT } from '../../services/project-root.ts';

/** The same job on an existing engine, as the folder of the peers runs it. */
export interface PeerCase {
  readonly name: string;
  readonly module: 'flink' | 'kstreams' | 'common';
  readonly options: readonly string[];
  readonly main: readonly string[];
}

const OPENS = ['util', 'lang', 'time'].map((each) => `--add-opens=java.base/java.${each}=ALL-UNNAMED`);

export const PEER_CASES = {
  flinkPanes: {
    name: 'flink panes',
    module: 'flink',
    options: ['-Xmx3g', ...OPENS],
    main: ['peers.Flink', 'panes', '2', '@STATE@'],
  },
  flinkLean: {
    name: 'flink panes-lean',
    module: 'flink',
    options: ['-Xmx3g', ...OPENS],
    main: ['peers.Flink', 'panes-lean', '2', '@STATE@'],
  },
  streamsHeap: {
    name: 'kstreams papi-heap',
    module: 'kstreams',
    options: ['-Xmx2g'],
    main: ['peers.Streams', 'papi-heap', '2', '@STATE@'],
  },
} as const satisfies Record<string, PeerCase>;

/** What a peer says of one run; as its own meter took it. */
export interface PeerRun {
  readonly events: number;
  readonly eps: number;
  readonly eps_2nd_half: number;
  readonly cpu_s_per_M: number;
  readonly cpu_s_per_M_2nd: number;
  readonly broker_cpu_s_per_M: number;
  readonly rss_MB: number;
  readonly alerts_in_topic: number;
}

export interface PeerServer {
  readonly bootstrap: string;
  readonly brokerPid: number;
  readonly topic: string;
}

/** One run may take so long, seconds. */
const LIMIT_SECONDS = 900;
const BUILT = 'common/target/common-1.jar';

/** The peers' programs: in the folder itself where they are built there, else built in a copy, so that nothing is left in it. */
export class Peers {
  readonly #dir: string;
  readonly #temporary: string | undefined;
  readonly #java: string;

  private constructor(dir: string, temporary: string | undefined, java: string) {
    this.#dir = dir;
    this.#temporary = temporary;
    this.#java = java;
  }

  /** Where something is missing: says what. VEDETTE_PEERS names the folder; else it lies beside the project's. */
  static async open(): Promise<Peers | string> {
    const dir = resolve(process.env['VEDETTE_PEERS'] ?? join(PROJECT_ROOT, '..', 'shared', 'peers'));
    if (!existsSync(join(dir, 'run.sh'))) return `no folder of the peers at ${dir} (VEDETTE_PEERS)`;
    const java = findJava();
    if (java === undefined) return 'no Java 17';
    if (existsSync(join(dir, BUILT))) return new Peers(dir, undefined, java);
    const maven = findProgram('mvn');
    if (maven === undefined) return 'no Maven to build them with';
    const copy = mkdtempSync(join(tmpdir(), 'vedette-peers-'));
    try {
      cpSync(dir, copy, { recursive: true });
      await run('chmod', ['-R', 'u+w', copy]);
      await run(maven, ['-B', '-q', 'package', '-pl', 'common,kstreams,flink'], { cwd: copy });
    } catch (error) {
      rmSync(copy, { recursive: true, force: true });
      return `they were not built: ${error instanceof Error ? error.message : String(error)}`;
    }
    return new Peers(copy, copy, java);
  }

  /** Fills a topic with the workload; makes the topic. */
  async generate({ bootstrap, topic }: PeerServer, events: number): Promise<void> {
    const classPath = [join(this.#dir, 'common/target/*'), join(this.#dir, 'common/target/lib/*')].join(':');
    await run(this.#java, ['-Xmx1g', '-cp', classPath, 'peers.Gen', bootstrap, topic, String(events)]);
  }

  async run(each: PeerCase, server: PeerServer): Promise<PeerRun> {
    const state = mkdtempSync(join(tmpdir(), 'vedette-peers-state-'));
    try {
      const output = await run(
        join(this.#dir, 'run.sh'),
        ['1', each.module, each.name, ...each.options, '--', ...each.main],
        {
          env: {
            ...process.env,
            PATH: [dirname(this.#java), process.env['PATH']].join(':'),
            BOOTSTRAP: server.bootstrap,
            TOPIC: server.topic,
            BROKER_PID: String(server.brokerPid),
            STATE: state,
            RESULTS: join(state, 'results.jsonl'),
            LIMIT: String(LIMIT_SECONDS),
          },
        },
      );
      const line = output.split('\n').find((text) => text.startsWith('{'));
      if (line === undefined) throw new Error(`${each.name} gave no result:\n${output}`);
      return JSON.parse(line) as PeerRun;
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  }

  close(): void {
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
  }
}

function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    execFile(command, [...args], { ...options, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args.join(' ')} failed: ${error.message}\n${stderr.slice(-2000)}`));
      else resolvePromise(stdout);
    });
  });
}
