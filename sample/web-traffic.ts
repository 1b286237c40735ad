import { tcpConnection, udpExchange } from './connections.ts';
import type { DnsRecord, Emit } from './network-records.ts';
import type { Random } from './random.ts';
import { SERVERS, UPSTREAM_RESOLVERS, type ExternalSite } from './site-plan.ts';

/** Names that somebody looked up a moment ago need no question upstream. */
const CACHED_SHARE = 0.6;

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const PATHS = ['/', '/index.html', '/status', '/feed.xml', '/assets/site.css', '/assets/app.js', '/download', '/news'];

/** Asks the office's resolver for a name, and that one its own where it doesn't know. Returns when the answer is there, ms. */
export function lookUp(
  question: {
    readonly client: string;
    readonly name: string;
    readonly atMs: number;
    readonly answers: readonly string[];
    readonly type?: DnsRecord['type'];
  },
  random: Random,
  emit: Emit,
): number {
  let tookMs = random.between(0.4, 2);
  if (!random.chance(CACHED_SHARE)) {
    const upstreamMs = Math.min(400, random.logNormal(18, 0.6));
    const resolver = random.pick(UPSTREAM_RESOLVERS);
    ask({ ...question, client: SERVERS.dns, server: resolver, atMs: question.atMs + 0.3, tookMs: upstreamMs }, random, emit);
    tookMs += upstreamMs;
  }
  if (question.client !== SERVERS.dns) ask({ ...question, server: SERVERS.dns, tookMs }, random, emit);
  return question.atMs + tookMs;
} // prettier-ignore

function ask(
  question: Parameters<typeof lookUp>[0] & { readonly server: string; readonly tookMs: number },
  random: Random,
  emit: Emit,
): void {
  const { client, server, name, atMs, tookMs, answers } = question;
  const origBytes = name.length + 18;
  const conn = udpExchange(
    {
      startMs: atMs,
      durationMs: tookMs,
      orig: client,
      resp: server,
      respPort: 53,
      service: 'dns',
      origBytes,
      respBytes: origBytes + 16 * Math.max(1, answers.length),
      datagramBytes: 512,
    },
    random,
  );
  emit(conn);
  emit({
    log: 'dns',
    conn,
    atUs: conn.startUs,
    transaction: random.integer(0, 65_535),
    roundTripUs: conn.durationUs ?? 0,
    query: name,
    type: question.type ?? 'A',
    answers,
    code: answers.length > 0 ? 'NOERROR' : 'NXDOMAIN',
  });
}

interface Exchange {
  readonly client: string;
  readonly site: ExternalSite;
  readonly atMs: number;
  readonly durationMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A TLS connection to a site, without looking it up. */
export function tlsExchange(exchange: Exchange, random: Random, emit: Emit): void {
  const conn = tcpConnection(
    {
      startMs: exchange.atMs,
      durationMs: exchange.durationMs,
      orig: exchange.client,
      resp: random.pick(exchange.site.addresses),
      respPort: 443,
      service: 'ssl',
      origBytes: exchange.bytesUp,
      respBytes: exchange.bytesDown,
    },
    random,
  );
  emit(conn);
  const handshakeUs = Math.min(conn.durationUs ?? 0, random.integer(15_000, 80_000));
  emit({ log: 'ssl', conn, atUs: conn.startUs + handshakeUs, name: exchange.site.name, resumed: random.chance(0.4) });
}

/** Plain HTTP through the proxy: workstation to proxy, proxy to the site. */
export function proxiedExchange(exchange: Exchange, random: Random, emit: Emit): void {
  const inside = tcpConnection(
    {
      startMs: exchange.atMs,
      durationMs: exchange.durationMs + 4,
      orig: exchange.client,
      resp: SERVERS.proxy,
      respPort: 3128,
      service: 'http',
      origBytes: exchange.bytesUp,
      respBytes: exchange.bytesDown,
    },
    random,
  );
  emit(inside);
  const outside = tcpConnection(
    {
      startMs: exchange.atMs + 2,
      durationMs: exchange.durationMs,
      orig: SERVERS.proxy,
      resp: random.pick(exchange.site.addresses),
      respPort: 80,
      service: 'http',
      origBytes: exchange.bytesUp,
      respBytes: exchange.bytesDown,
    },
    random,
  );
  emit(outside);
  const path = random.pick(PATHS);
  const status = random.pick([200, 200, 200, 200, 304, 301, 404]);
  for (const conn of [inside, outside]) {
    emit({
      log: 'http',
      conn,
      atUs: conn.startUs + 1500,
      tookUs: Math.min(2_000_000, conn.durationUs ?? 0),
      method: 'GET',
      host: exchange.site.name,
      path: conn === inside ? `http://${exchange.site.name}${path}` : path,
      userAgent: BROWSER,
      requestBytes: 0,
      responseBytes: status === 200 ? Math.round(exchange.bytesDown * 0.95) : 0,
      status,
    });
  }
}
