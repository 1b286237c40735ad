import { poissonActor, regularActor, type Actor } from './actor.ts';
import { tcpConnection, udpExchange } from './connections.ts';
import type { Emit } from './network-records.ts';
import { Random } from './random.ts';
import { SERVERS, SHARING_SITES, UPDATE_SITE, type SitePlan, type Workstation } from './site-plan.ts';
import { lookUp, proxiedExchange, tlsExchange } from './web-traffic.ts';
import type { Zipf } from './zipf.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MB = 1_000_000;
const LUNCH_MS = 45 * MINUTE_MS;

/** Big transfers of one workstation end at least this far apart, so that no hour holds two. */
const BETWEEN_BIG_MS = 80 * MINUTE_MS;

/** All that one workstation and its user do in a day. */
export function workstationActors(seed: number, plan: SitePlan, popularity: Zipf, self: Workstation): Actor[] {
  const random = new Random(seed, `workstation ${self.address}`);
  const present = (timeMs: number): number => presence(self, timeMs);
  const running = (timeMs: number): number => (self.alwaysOn || presence(self, timeMs) > 0 ? 1 : 0);
  const client = self.address;
  return [
    poissonActor(random, { meanGapMs: 5 * MINUTE_MS, activity: present }, (nowMs, emit) => {
      visitPage({ client, plan, popularity, atMs: nowMs }, random, emit);
    }),
    poissonActor(random, { meanGapMs: 4.5 * MINUTE_MS, activity: present }, (nowMs, emit) => {
      readMail(client, nowMs, { random, emit });
    }),
    poissonActor(random, { meanGapMs: 9 * MINUTE_MS, activity: present }, (nowMs, emit) => {
      useFileServer(client, nowMs, { random, emit });
    }),
    poissonActor(random, { meanGapMs: 3 * HOUR_MS, activity: present }, (nowMs, emit) => {
      print(client, random.pick(plan.printers), { nowMs, random, emit });
    }),
    regularActor(
      random,
      { firstMs: random.between(0, 30 * MINUTE_MS), intervalMs: 30 * MINUTE_MS, jitterMs: 2 * MINUTE_MS },
      (nowMs, emit) => {
        if (running(nowMs) === 1) keepUp(client, nowMs, { random, emit });
      },
    ),
    ...bigTransfers(plan, self, random),
  ];
}

interface Means {
  readonly random: Random;
  readonly emit: Emit;
}

function presence(self: Workstation, timeMs: number): number {
  if (timeMs < self.startMs || timeMs > self.endMs) return 0;
  return timeMs > self.lunchMs && timeMs < self.lunchMs + LUNCH_MS ? 0.25 : 1;
}

function visitPage(
  visit: { readonly client: string; readonly plan: SitePlan; readonly popularity: Zipf; readonly atMs: number },
  random: Random,
  emit: Emit,
): void {
  const { client, plan, popularity } = visit;
  let atMs = visit.atMs;
  // The page, and what it includes from elsewhere.
  for (let left = random.integer(1, 5); left > 0; left--) {
    const site = plan.externalSites[popularity.draw(random)];
    if (site === undefined) continue;
    if (random.chance(0.75)) {
      atMs = lookUp({ client, name: site.name, atMs, answers: site.addresses }, random, emit);
      if (random.chance(0.2)) lookUp({ client, name: site.name, atMs, answers: ['2001:db8::1'], type: 'AAAA' }, random, emit);
    }
    const exchange = {
      client,
      site,
      atMs: atMs + random.between(1, 30),
      durationMs: Math.min(240_000, random.logNormal(900, 1.4)),
      bytesUp: Math.min(150_000, 400 + random.logNormal(1500, 0.9)),
      bytesDown: Math.min(12 * MB, 800 + random.logNormal(22_000, 1.5)),
    };
    if (random.chance(0.1)) proxiedExchange(exchange, random, emit);
    else tlsExchange(exchange, random, emit);
    atMs += random.between(20, 900);
  }
  if (random.chance(0.04)) {
    lookUp({ client, name: `${random.pick(['wpad', 'isatap', 'printserver', 'wwww'])}.office.example`, atMs, answers: [] }, random, emit);
  }
} // prettier-ignore

function readMail(client: string, nowMs: number, { random, emit }: Means): void {
  emit(
    tcpConnection(
      {
        startMs: nowMs,
        durationMs: random.logNormal(500, 0.8),
        orig: client,
        resp: SERVERS.mail,
        respPort: random.chance(0.2) ? 587 : 993,
        service: 'ssl',
        origBytes: Math.min(4 * MB, 900 + random.logNormal(2000, 1.3)),
        respBytes: Math.min(4 * MB, 2500 + random.logNormal(9000, 1.6)),
      },
      random,
    ),
  );
}

function useFileServer(client: string, nowMs: number, { random, emit }: Means): void {
  emit(
    tcpConnection(
      {
        startMs: nowMs,
        durationMs: Math.min(600_000, random.logNormal(20_000, 1.2)),
        orig: client,
        resp: SERVERS.file,
        respPort: 445,
        service: 'smb',
        origBytes: Math.min(12 * MB, 2000 + random.logNormal(20_000, 1.8)),
        respBytes: Math.min(25 * MB, 3000 + random.logNormal(90_000, 1.9)),
      },
      random,
    ),
  );
}

function print(client: string, printer: string, means: Means & { readonly nowMs: number }): void {
  const { random } = means;
  const origBytes = Math.min(9 * MB, random.logNormal(350_000, 1.1));
  means.emit(
    tcpConnection(
      {
        startMs: means.nowMs,
        durationMs: 800 + origBytes / 300,
        orig: client,
        resp: printer,
        respPort: 9100,
        origBytes,
        respBytes: random.integer(80, 400),
      },
      random,
    ),
  );
}

/** What a computer does by itself: the time, and asking for updates. */
function keepUp(client: string, nowMs: number, { random, emit }: Means): void {
  emit(
    udpExchange(
      {
        startMs: nowMs,
        durationMs: random.between(0.3, 2),
        orig: client,
        resp: SERVERS.dns,
        respPort: 123,
        service: 'ntp',
        origBytes: 48,
        respBytes: 48,
        datagramBytes: 48,
      },
      random,
    ),
  );
  const site = UPDATE_SITE;
  const atMs = lookUp({ client, name: site.name, atMs: nowMs + 40, answers: site.addresses }, random, emit);
  tlsExchange(
    {
      client,
      site,
      atMs: atMs + 1,
      durationMs: random.between(120, 600),
      bytesUp: random.between(900, 1600),
      bytesDown: 4000 + random.logNormal(3000, 1),
    },
    random,
    emit,
  );
}

/** One or two video calls and uploads to a sharing site a day for some, none for others: far apart from each other. */
function bigTransfers(plan: SitePlan, self: Workstation, random: Random): Actor[] {
  const actors: Actor[] = [];
  let atMs = self.startMs + random.between(1.3, 2.5) * HOUR_MS;
  while (atMs < self.endMs - HOUR_MS) {
    const choice = random.unit();
    const site = plan.externalSites[random.integer(0, SHARING_SITES - 1)];
    if (site !== undefined && choice < 0.55) {
      const act = choice < 0.4 ? videoCall : upload;
      actors.push({
        firstMs: atMs,
        act: (nowMs, emit) => {
          act({ client: self.address, site, atMs: nowMs }, random, emit);
          return Infinity;
        },
      });
    }
    atMs += BETWEEN_BIG_MS + random.wait(60 * MINUTE_MS);
  }
  return actors;
}

type Where = Pick<Parameters<typeof tlsExchange>[0], 'client' | 'site' | 'atMs'>;

/** Voice, pictures and a shared screen: about as much in as out. */
function videoCall({ client, site, atMs }: Where, random: Random, emit: Emit): void {
  const durationMs = random.between(6, 18) * MINUTE_MS;
  const origBytes = durationMs * random.between(6, 10);
  emit(
    udpExchange(
      {
        startMs: lookUp({ client, name: site.name, atMs, answers: site.addresses }, random, emit),
        durationMs,
        orig: client,
        resp: random.pick(site.addresses),
        respPort: 3478,
        service: 'stun',
        origBytes,
        respBytes: origBytes * random.between(0.8, 1.3),
        datagramBytes: 960,
      },
      random,
    ),
  );
}

/** A file of 1 to 8 MB to a site that everybody uses. */
function upload({ client, site, atMs }: Where, random: Random, emit: Emit): void {
  const bytesUp = random.between(1, 8) * MB;
  tlsExchange(
    {
      client,
      site,
      atMs: lookUp({ client, name: site.name, atMs, answers: site.addresses }, random, emit),
      durationMs: bytesUp / random.between(300, 1500),
      bytesUp,
      bytesDown: 6000 + bytesUp * 0.012,
    },
    random,
    emit,
  );
}
