import { Random } from './random.ts';

/** The office network of the sample: who is in it, and whom it talks to. Addresses outside are from ranges reserved for documentation and benchmarks (RFC 5737, RFC 2544); names are under .example (RFC 2606). */
export interface SitePlan {
  readonly workstations: readonly Workstation[];
  readonly printers: readonly string[];
  readonly externalSites: readonly ExternalSite[];
  readonly mailPeers: readonly string[];
}

export interface Workstation {
  readonly address: string;
  /** When its user starts, has lunch and leaves: ms from midnight. */
  readonly startMs: number;
  readonly lunchMs: number;
  readonly endMs: number;
  /** Left running outside work hours. */
  readonly alwaysOn: boolean;
}

/** Ordered by popularity. */
export interface ExternalSite {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Servers by role. The web server is the one that the outside reaches, with the mail server's port 25. */
export const SERVERS = {
  dns: '10.20.2.10',
  mail: '10.20.2.11',
  file: '10.20.2.12',
  web: '10.20.2.20',
  backup: '10.20.2.30',
  proxy: '10.20.2.40',
} as const;

/** Where the backup server sends its hourly off-site copy. */
export const OFFSITE_BACKUP = { name: 'vault.offsite-store.example', addresses: ['203.0.113.250'] } as const;

export const UPDATE_SITE = { name: 'updates.packages.example', addresses: ['203.0.113.251'] } as const;

export const UPSTREAM_RESOLVERS = ['203.0.113.252', '203.0.113.253'] as const;

export const TIME_SERVER = '203.0.113.254';

/** Sites that everybody uses and to which files are uploaded: the first so many of {@link SitePlan.externalSites}. */
export const SHARING_SITES = 5;

const HOUR_MS = 3_600_000;
const WORKSTATIONS = 45;

const WORDS = [
  'amber', 'birch', 'cobalt', 'delta', 'ember', 'fjord', 'grove', 'harbor', 'indigo', 'juniper', 'kestrel', 'lumen',
  'maple', 'nimbus', 'orchid', 'pebble', 'quartz', 'river', 'sable', 'timber',
]; // prettier-ignore
const TRADES = [
  'docs', 'drive', 'search', 'news', 'mail', 'shop', 'cdn', 'maps', 'video', 'chat', 'bank', 'travel', 'parts', 'stats',
  'forum',
]; // prettier-ignore

/** The same seed gives the same office. */
export function planSite(seed: number): SitePlan {
  const random = new Random(seed, 'site-plan');
  const workstations = Array.from({ length: WORKSTATIONS }, (_, index) => ({
    address: `10.20.1.${20 + index}`,
    startMs: clamp(8.1 + 0.5 * random.normal(), 6.8, 9.6) * HOUR_MS,
    lunchMs: clamp(12.2 + 0.35 * random.normal(), 11.4, 13.2) * HOUR_MS,
    endMs: clamp(17.7 + 0.6 * random.normal(), 16, 19.2) * HOUR_MS,
    alwaysOn: index % 4 === 1,
  }));
  const names = random.pickSeveral(
    WORDS.flatMap((word) => TRADES.map((trade) => `www.${word}-${trade}.example`)),
    WORDS.length * TRADES.length,
  );
  const externalSites = names.map((name, index) => ({
    name,
    addresses: index < 180 || index % 3 > 0 ? [siteAddress(index)] : [siteAddress(index), siteAddress(index + 100)],
  }));
  const mailPeers = Array.from({ length: 24 }, (_, index) => `198.19.250.${10 + index * 3}`);
  return { workstations, printers: ['10.20.3.11', '10.20.3.12', '10.20.3.13', '10.20.3.14'], externalSites, mailPeers };
}

/** An address of the internet at large: visitors, scanners, spoofed sources. */
export function strangerAddress(random: Random): string {
  return `198.${18 + random.integer(0, 1)}.${random.integer(0, 249)}.${random.integer(1, 254)}`;
}

export function isInternal(address: string): boolean {
  return address.startsWith('10.');
}

function siteAddress(index: number): string {
  return index < 240 ? `198.51.100.${index + 5}` : `203.0.113.${index - 235}`;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
