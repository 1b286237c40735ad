import { uidOf, type Finding } from '../model/finding.ts';
import type { SilenceReport } from './partials.ts';
import { PANE_MS } from './time.ts';

interface Group {
  /** Devices ever seen from this parent. */
  children: number;
  /** Devices silent now: their finding, and whether an alert has told of it. */
  silent: Record<string, { finding: Finding; told: 'pending' | 'alone' | 'together' }>;
  /** Time of the decision on what is pending, ms; null where nothing is. */
  decideMs: number | null;
}

const MIN_WAIT_MS = 30_000;
const MAX_WAIT_MS = 1_800_000;

/**
 * Tells a dead device from a dead source: when a device falls silent, its siblings get as long as half of its own
 * silence to fall silent too. All of a parent's devices (two at least), or at least three and half of them, are one
 * finding about the parent; else each stands alone.
 */
export class SilenceGroups {
  private groups = new Map<string, Group>();

  addChildren(parent: string, count: number): void {
    this.groupOf(parent).children += count;
  }

  /** Takes a silence or a recovery, in the order of panes. What is certain at once is returned. */
  take(report: SilenceReport): Finding[] {
    const group = this.groupOf(report.parent);
    const { finding } = report;
    if (finding.recovered) return this.recover(group, report);
    group.silent[finding.entity] = { finding, told: 'pending' };
    if (group.children < 2) return this.decide(report.parent, group);
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, (finding.paneMs - finding.sinceMs) / 2));
    group.decideMs ??= finding.paneMs + waitMs;
    return [];
  }

  /** Earliest time at which something is to be decided, ms. */
  nextDue(): number {
    let due = Infinity;
    for (const group of this.groups.values()) if (group.decideMs !== null) due = Math.min(due, group.decideMs);
    return due;
  }

  decideUpTo(timeMs: number): Finding[] {
    return [...this.groups]
      .filter(([, group]) => group.decideMs !== null && group.decideMs <= timeMs)
      .flatMap(([parent, group]) => this.decide(parent, group));
  }

  save(): unknown {
    return [...this.groups];
  }

  restore(saved: unknown): void {
    this.groups = new Map(saved as [string, Group][]);
  }

  private decide(parent: string, group: Group): Finding[] {
    group.decideMs = null;
    const silent = Object.entries(group.silent);
    const pending = silent.filter(([, device]) => device.told === 'pending');
    const isSource =
      (silent.length >= 2 && silent.length >= group.children) ||
      (silent.length >= 3 && silent.length * 2 >= group.children);
    const wasTogether = silent.some(([, device]) => device.told === 'together');
    for (const [, device] of pending) device.told = isSource ? 'together' : 'alone';
    if (!isSource) return pending.map(([, device]) => device.finding);
    if (pending.length === 0 || wasTogether) return [];
    return [
      sourceFinding(
        parent,
        silent.map(([, device]) => device.finding),
        group.children,
      ),
    ];
  }

  private recover(group: Group, report: SilenceReport): Finding[] {
    const device = group.silent[report.finding.entity];
    if (!device) return [];
    const before: Finding[] = [];
    if (device.told === 'pending') {
      // It came back before its siblings had their time: it was silent all the same, alone.
      device.told = 'alone';
      before.push(device.finding);
    }
    group.silent = Object.fromEntries(Object.entries(group.silent).filter(([name]) => name !== report.finding.entity));
    if (device.told === 'alone') return [...before, report.finding];
    const stillTogether = Object.values(group.silent).some((other) => other.told === 'together');
    if (stillTogether) return [];
    const summary = `Every device of ${report.parent} sends again.`;
    return [{ ...report.finding, ...aboutSource(report.parent, report.finding.paneMs), summary, members: [] }];
  }

  private groupOf(parent: string): Group {
    let group = this.groups.get(parent);
    if (!group) this.groups.set(parent, (group = { children: 0, silent: {}, decideMs: null }));
    return group;
  }
}

function aboutSource(parent: string, paneMs: number): Pick<Finding, 'uid' | 'entityKind' | 'entity'> {
  return { uid: uidOf('silence', parent, 'source', paneMs), entityKind: 'source', entity: parent };
}

function sourceFinding(parent: string, findings: readonly Finding[], children: number): Finding {
  const members = findings.map((finding) => finding.entity).sort();
  const first = findings.reduce((a, b) => (a.sinceMs <= b.sinceMs ? a : b));
  const paneMs = Math.max(...findings.map((finding) => finding.paneMs));
  return {
    ...first,
    ...aboutSource(parent, paneMs),
    paneMs,
    summary:
      `${members.length} of the ${children} devices of ${parent} fell silent together: ` +
      `the source or what carries it has stopped, rather than each device.`,
    members,
  };
}

/** Pane whose close is at or after a time. */
export function closingPane(timeMs: number): number {
  return Math.ceil(timeMs / PANE_MS) - 1;
}
