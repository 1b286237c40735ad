import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NetworkSet } from '../../model/address.ts';
import { attackConnections, repeated, type Exporter } from './attack-flows.ts';
import { BACKGROUNDS, startOf, type Background } from './background.ts';
import { dataPath, hasData } from './data-root.ts';
import { recallFigures } from './figures.ts';
import { readPackets, type Packet } from './pcap.ts';
import { skipped, type Figure } from './report.ts';
import { analyzeWhole, qualityConfig, runPipeline } from './run-pipeline.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, score, type Outcome } from './scoring.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { writeConnLog, type Connection } from './zeek-conn.ts';

interface Attack {
  readonly name: string;
  readonly file: string;
  readonly exporter: Exporter;
  readonly keep: 'all' | 'syn-ack';
  /** Repeated to this length; 0: as recorded. */
  readonly lastsMs: number;
  readonly about: string;
}

const SYN_ACK_FLAGS = 0x12;
const SUSTAINED_MS = 10 * SECOND_MS;
const SPOOFED = 'pkt.TCP.synflood.spoofed.pcap';
const ISAKMP = 'amp.UDP.isakmp.pcap';
const SYN_ACK = 'amp.TCP.reflection.SYNACK.pcap';
const CIC = 'CIC-DDoS-2019-SynFlood.pcap';

const ATTACKS: readonly Attack[] = [
  { name: 'spoofed-syn', file: SPOOFED, keep: 'all', exporter: 'zeek', lastsMs: 0, about: '37,841 packets in 23.7 s' },
  { name: 'cic-syn', file: CIC, keep: 'all', exporter: 'zeek', lastsMs: 0, about: '26,316 packets in 0.69 s, RST answers among them' },
  { name: 'isakmp-burst', file: ISAKMP, keep: 'all', exporter: 'zeek', lastsMs: 0, about: '3,984 packets in 0.41 s, and no more' },
  { name: 'isakmp-10s', file: ISAKMP, keep: 'all', exporter: 'zeek', lastsMs: SUSTAINED_MS, about: 'the same packets again and again for 10 s' },
  { name: 'syn-ack-burst', file: SYN_ACK, keep: 'all', exporter: 'zeek', lastsMs: 0, about: '7,995 packets in 0.15 s, and no more' },
  { name: 'syn-ack-mixed-10s', file: SYN_ACK, keep: 'all', exporter: 'zeek', lastsMs: SUSTAINED_MS, about: 'all packets of the capture, of which 14 % are RST and UDP, for 10 s' },
  { name: 'syn-ack-10s', file: SYN_ACK, keep: 'syn-ack', exporter: 'zeek', lastsMs: SUSTAINED_MS, about: 'its SYN-ACKs alone for 10 s, as Zeek writes them: the victim as originator' },
  { name: 'syn-ack-one-way-10s', file: SYN_ACK, keep: 'syn-ack', exporter: 'unidirectional', lastsMs: SUSTAINED_MS, about: 'its SYN-ACKs alone for 10 s, as a flow exporter writes them: the reflector as source' },
]; // prettier-ignore

/** The kinds of attack, one line each, in the recall over all: those that last, as Zeek writes them. */
const COUNTED = ['spoofed-syn', 'cic-syn', 'isakmp-10s', 'syn-ack-10s'];
const HOURS = [3, 9, 15, 21];
const ABOUT_ALL = 'real attack, composed background: two real days, four times of day';

/** Real attack packets, turned into connections and mixed into real days. */
export async function measureFloods(): Promise<Figure[]> {
  const backgrounds = BACKGROUNDS.filter(({ folder }) => hasData(folder));
  if (backgrounds.length === 0 || !hasData('ddos-pcap')) return [skipped('floods', 'no zeek/strato-011 or ddos-pcap')];
  const figures: Figure[] = [];
  const counted: Outcome[] = [];
  let others = 0;
  for (const attack of ATTACKS) {
    const outcomes: Outcome[] = [];
    for (const background of backgrounds) {
      const connections = connectionsOf(attack, background);
      for (const hour of HOURS) {
        const { outcome, falseAlarms } = await runOne(background, connections, hour);
        outcomes.push(outcome);
        others += falseAlarms;
      }
    }
    if (COUNTED.includes(attack.name)) counted.push(...outcomes);
    figures.push(...recallFigures(`floods.${attack.name}`, outcomes, { note: `${attack.about}; ${ABOUT_ALL}` }));
  }
  return [
    ...recallFigures('floods.all', counted, { note: `${COUNTED.join(', ')}; ${ABOUT_ALL}` }),
    ...figures,
    {
      name: 'floods.other-alerts',
      value: others,
      unit: 'alerts',
      runs: ATTACKS.length * backgrounds.length * HOURS.length,
      ok: others === 0,
      limit: '0',
      note: 'alerts that are not about the flood, over all these runs',
    },
  ];
}

/** The short way and `analyze` with ClickHouse give the same alerts, for one flood. */
export async function checkAgainstWhole(): Promise<Figure[]> {
  const name = 'pipeline.same-as-analyze';
  const [background] = BACKGROUNDS;
  const [attack] = ATTACKS;
  if (!background || !attack || !hasData(background.folder, 'ddos-pcap')) return [skipped(name, 'no zeek/strato-011')];
  return withScratchFolder(async (folder) => {
    const paths = await compose(folder, background, connectionsOf(attack, background), HOURS[0]!);
    const short = (await runPipeline(paths)).episodes;
    const whole = await analyzeWhole(paths);
    const isSame = JSON.stringify(sorted(short)) === JSON.stringify(sorted(whole));
    return [
      {
        name,
        value: isSame ? 1 : 0,
        unit: 'bool',
        runs: 1,
        ok: isSame && short.length > 0,
        limit: '1',
        note: `${short.length} alerts by the runner used here, ${whole.length} by analyze with ClickHouse: uid, start, end and detectors compared`,
      },
    ];
  });
}

function sorted(
  episodes: readonly { uid: string; firstPaneMs: number; lastPaneMs: number; detectors: readonly string[] }[],
) {
  return episodes
    .map(({ uid, firstPaneMs, lastPaneMs, detectors }) => [uid, firstPaneMs, lastPaneMs, detectors.join(' ')].join(' '))
    .sort();
}

async function runOne(background: Background, connections: readonly Connection[], hour: number) {
  return withScratchFolder(async (folder) => {
    const paths = await compose(folder, background, connections, hour);
    const { episodes } = await runPipeline(paths);
    const startMs = placeMs(background, hour);
    const lengthMs = Math.max(...connections.map((flow) => flow.startMs + flow.durationMs));
    const truth = {
      entity: background.host,
      family: 'denial-of-service',
      startMs,
      endMs: startMs + lengthMs,
      graceMs: MINUTE_MS,
    } as const;
    const { outcomes, falseAlarms } = score([truth], episodes);
    return { outcome: outcomes[0]!, falseAlarms: falseAlarms.length };
  });
}

async function compose(
  folder: string,
  background: Background,
  connections: readonly Connection[],
  hour: number,
): Promise<string[]> {
  const path = join(folder, 'attack', 'conn.log');
  const offsetMs = placeMs(background, hour);
  await writeConnLog(
    path,
    connections.map((flow) => ({ ...flow, startMs: flow.startMs + offsetMs })),
  );
  return [dataPath(background.folder), path];
}

const starts = new Map<string, number>();

/** Start of the attack, ms: not on a boundary of a pane. */
function placeMs(background: Background, hour: number): number {
  let startMs = starts.get(background.name);
  if (startMs === undefined) starts.set(background.name, (startMs = startOf(background)));
  return Math.floor(startMs) + hour * HOUR_MS + 137 * SECOND_MS;
}

function connectionsOf(attack: Attack, background: Background): Connection[] {
  const captured: Packet[] = [...readPackets(readFileSync(dataPath(`ddos-pcap/${attack.file}`)))];
  const recorded = attack.keep === 'all' ? captured : captured.filter(({ tcpFlags }) => tcpFlags === SYN_ACK_FLAGS);
  const packets = attack.lastsMs > 0 ? repeated(recorded, attack.lastsMs) : recorded;
  const internal = new NetworkSet(qualityConfig().internal);
  return attackConnections(packets, { victim: background.host, internal, exporter: attack.exporter });
}
