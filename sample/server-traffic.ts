import { poissonActor, regularActor, type Actor } from './actor.ts';
import { failedConnection, tcpConnection, udpExchange } from './connections.ts';
import type { Emit } from './network-records.ts';
import { Random } from './random.ts';
import { OFFSITE_BACKUP, SERVERS, strangerAddress, TIME_SERVER, UPDATE_SITE, type SitePlan } from './site-plan.ts';
import { lookUp, tlsExchange } from './web-traffic.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MB = 1_000_000;

/** All that the servers do, and what the internet does to those that it can reach. */
export function serverActors(seed: number, plan: SitePlan): Actor[] {
  return [
    webVisitors(new Random(seed, 'visitors')),
    ...mailTraffic(new Random(seed, 'mail'), plan),
    ...scanners(new Random(seed, 'scanners')),
    offsiteBackup(new Random(seed, 'offsite')),
    ...nightlyBackups(new Random(seed, 'nightly')),
    ...serverUpkeep(new Random(seed, 'upkeep'), plan),
  ];
}

/** How much of the public is awake: gentle, from 0.3 at night to 1. */
function publicActivity(timeMs: number): number {
  return 0.65 - 0.35 * Math.cos((2 * Math.PI * (timeMs - 3 * HOUR_MS)) / (24 * HOUR_MS));
}

function officeMailActivity(timeMs: number): number {
  const hour = timeMs / HOUR_MS;
  return Math.max(0.12, Math.min(1, hour - 6.5, (20.5 - hour) / 2));
}

function webVisitors(random: Random): Actor {
  return poissonActor(random, { meanGapMs: 11_000, activity: publicActivity }, (nowMs, emit) => {
    const visitor = strangerAddress(random);
    let startMs = nowMs;
    for (let left = random.integer(1, 2); left > 0; left--) {
      const conn = tcpConnection(
        {
          startMs,
          durationMs: Math.min(60_000, random.logNormal(700, 1.2)),
          orig: visitor,
          resp: SERVERS.web,
          respPort: 443,
          service: 'ssl',
          origBytes: Math.min(60_000, 600 + random.logNormal(900, 0.8)),
          respBytes: Math.min(400_000, 2500 + random.logNormal(9000, 1.1)),
        },
        random,
      );
      emit(conn);
      emit({ log: 'ssl', conn, atUs: conn.startUs + 1000, name: 'www.office.example', resumed: random.chance(0.3) });
      startMs += random.between(50, 4000);
    }
  });
}

function mailTraffic(random: Random, plan: SitePlan): Actor[] {
  const message = (nowMs: number, peer: string): Parameters<typeof tcpConnection>[0] => ({
    startMs: nowMs,
    durationMs: random.logNormal(1500, 0.7),
    orig: peer,
    resp: SERVERS.mail,
    respPort: 25,
    service: 'smtp',
    origBytes: Math.min(900_000, 1200 + random.logNormal(25_000, 1.3)),
    respBytes: random.between(300, 700),
  });
  return [
    poissonActor(random, { meanGapMs: 90_000, activity: officeMailActivity }, (nowMs, emit) => {
      emit(tcpConnection(message(nowMs, random.pick(plan.mailPeers)), random));
    }),
    poissonActor(random, { meanGapMs: 150_000, activity: officeMailActivity }, (nowMs, emit) => {
      const peer = random.pick(plan.mailPeers);
      const name = `mx.peer-${peer.slice(peer.lastIndexOf('.') + 1)}.example`;
      const startMs = lookUp({ client: SERVERS.mail, name, atMs: nowMs, answers: [name], type: 'MX' }, random, emit);
      emit(tcpConnection({ ...message(startMs, SERVERS.mail), resp: peer }, random));
    }),
  ];
}

const SCANNED_PORTS = [21, 22, 23, 25, 80, 443, 445, 1433, 3306, 3389, 5432, 5900, 6379, 8080, 8443, 9200];

/** The noise of the internet: single probes, and now and then one source that goes through many ports. */
function scanners(random: Random): Actor[] {
  const probe = (orig: string, startMs: number, emit: Emit): void => {
    emit(
      failedConnection(
        {
          startMs,
          orig,
          resp: SERVERS.web,
          respPort: random.chance(0.6) ? random.pick(SCANNED_PORTS) : random.integer(1, 65_535),
          answer: random.chance(0.3) ? 'reset' : 'none',
          synBytes: random.pick([40, 44, 60]),
          retries: random.chance(0.3) ? 1 : 0,
        },
        random,
      ),
    );
  };
  return [
    poissonActor(random, { meanGapMs: 17_000 }, (nowMs, emit) => probe(strangerAddress(random), nowMs, emit)),
    poissonActor(random, { meanGapMs: 40 * MINUTE_MS }, (nowMs, emit) => {
      const source = strangerAddress(random);
      let startMs = nowMs;
      for (let left = random.integer(5, 18); left > 0; left--) {
        probe(source, startMs, emit);
        startMs += random.wait(15_000);
      }
    }),
  ];
}

/** 5 to 20 MB every hour, in objects of less than 1 MB, to one place: much, and normal for this host. */
function offsiteBackup(random: Random): Actor {
  const rhythm = { firstMs: 17 * MINUTE_MS, intervalMs: HOUR_MS, jitterMs: 4 * MINUTE_MS };
  return regularActor(random, rhythm, (nowMs, emit) => {
    const client = SERVERS.backup;
    const site = OFFSITE_BACKUP;
    let atMs = lookUp({ client, name: site.name, atMs: nowMs, answers: site.addresses }, random, emit);
    let left = Math.min(19, random.logNormal(10, 0.3)) * MB;
    while (left > 0) {
      const bytesUp = random.between(400_000, 900_000);
      const durationMs = bytesUp / random.between(400, 900);
      tlsExchange({ client, site, atMs, durationMs, bytesUp, bytesDown: random.between(5000, 7000) }, random, emit);
      left -= bytesUp;
      atMs += durationMs + random.between(100, 900);
    }
  });
}

/** At night the backup server fetches from the others: gigabytes, but inside. */
function nightlyBackups(random: Random): Actor[] {
  const jobs = [
    { server: SERVERS.file, atHour: 1.5, bytes: 5200 * MB },
    { server: SERVERS.mail, atHour: 2.5, bytes: 1800 * MB },
    { server: SERVERS.web, atHour: 3.25, bytes: 400 * MB },
  ];
  return jobs.map(({ server, atHour, bytes }) => {
    let left = bytes * random.between(0.9, 1.1);
    return {
      firstMs: atHour * HOUR_MS + random.between(0, 5 * MINUTE_MS),
      act: (nowMs, emit) => {
        const respBytes = Math.min(left, random.between(20, 50) * MB);
        // Limited to about 60 Mbit/s, as one does on a network that others use.
        const durationMs = respBytes / random.between(6500, 8000);
        emit(
          tcpConnection(
            {
              startMs: nowMs,
              durationMs,
              orig: SERVERS.backup,
              resp: server,
              respPort: 22,
              service: 'ssh',
              origBytes: respBytes * 0.0008,
              respBytes,
            },
            random,
          ),
        );
        left -= respBytes;
        return left > 0 ? nowMs + durationMs + random.between(100, 2000) : Infinity;
      },
    };
  });
}

/** Time, monitoring of the printers, and updates in the early morning. */
function serverUpkeep(random: Random, plan: SitePlan): Actor[] {
  const datagram = (orig: string, resp: string, spec: { nowMs: number; port: number; service: string; bytes: number }) =>
    udpExchange(
      {
        startMs: spec.nowMs,
        durationMs: random.between(0.5, 20),
        orig,
        resp,
        respPort: spec.port,
        service: spec.service,
        origBytes: spec.bytes,
        respBytes: spec.bytes,
        datagramBytes: spec.bytes,
      },
      random,
    );
  const servers = Object.values(SERVERS);
  return [
    regularActor(random, { firstMs: 30_000, intervalMs: 5 * MINUTE_MS, jitterMs: 3000 }, (nowMs, emit) => {
      for (const printer of plan.printers) {
        emit(datagram(SERVERS.proxy, printer, { nowMs, port: 161, service: 'snmp', bytes: random.integer(82, 120) }));
      }
    }),
    ...servers.map((server) =>
      regularActor(
        random,
        { firstMs: random.between(0, 17 * MINUTE_MS), intervalMs: 17 * MINUTE_MS, jitterMs: 5000 },
        (nowMs, emit) => {
          const from = server === SERVERS.dns ? TIME_SERVER : SERVERS.dns;
          emit(datagram(server, from, { nowMs, port: 123, service: 'ntp', bytes: 48 }));
        },
      ),
    ),
    ...servers.map((server) =>
      regularActor(
        random,
        { firstMs: random.between(0, 2 * HOUR_MS), intervalMs: 2 * HOUR_MS, jitterMs: 10 * MINUTE_MS },
        (nowMs, emit) => {
          const site = UPDATE_SITE;
          const atMs = lookUp({ client: server, name: site.name, atMs: nowMs, answers: site.addresses }, random, emit);
          const bytesDown = nowMs > 3.8 * HOUR_MS && nowMs < 6 * HOUR_MS ? random.between(5, 20) * MB : 40_000;
          const durationMs = 300 + bytesDown / 4000;
          tlsExchange({ client: server, site, atMs, durationMs, bytesUp: 2000 + bytesDown / 5000, bytesDown }, random, emit);
        },
      ),
    ),
  ];
} // prettier-ignore
