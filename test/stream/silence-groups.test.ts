import { describe, expect, it } from 'vitest';
import type { Finding } from '../../model/finding.ts';
import { SilenceGroups } from '../../stream/silence-groups.ts';

const T0 = 1_800_000_000_000;

function silence(entity: string, atS: number, changes: Partial<Finding> = {}): Finding {
  return {
    uid: `${entity} ${atS}`, detector: 'silence', detectorVersion: '1', family: 'denial-of-service', entityKind: 'device',
    entity, paneMs: T0 + atS * 1000, sinceMs: T0 + atS * 1000 - 200_000, observed: 1, expected: 1, unit: 's', summary: '',
    basis: '', ratio: 1, confidence: 1, contributions: [], ...changes,
  }; // prettier-ignore
}

function groupsOf(children: number) {
  const groups = new SilenceGroups();
  groups.addChildren('collector', children);
  const told = (findings: readonly Finding[]): string[] =>
    findings.map(
      ({ entity, recovered, members }) =>
        `${entity}${recovered ? ' again' : ''}${members ? ` [${members.join()}]` : ''}`,
    );
  return {
    groups,
    silent: (entity: string, atS: number) => told(groups.take({ finding: silence(entity, atS), parent: 'collector' })),
    back: (entity: string, atS: number) =>
      told(groups.take({ finding: silence(entity, atS, { recovered: true }), parent: 'collector' })),
    decide: (atS: number) => told(groups.decideUpTo(T0 + atS * 1000)),
    dueS: () => (groups.nextDue() - T0) / 1000,
  };
}

describe('SilenceGroups', () => {
  it("tells of a single device after half of its own silence, in which its siblings didn't follow", () => {
    const { silent, decide, dueS } = groupsOf(10);
    expect(silent('a', 0)).toEqual([]);
    expect(dueS()).toBe(100);
    expect(decide(99)).toEqual([]);
    expect(decide(100)).toEqual(['a']);
    expect(dueS()).toBe(Infinity);
  });

  it('tells at once of the only device of a source', () => {
    expect(groupsOf(1).silent('a', 0)).toEqual(['a']);
  });

  it.each([
    { children: 2, silentOnes: 2, isSource: true },
    { children: 3, silentOnes: 2, isSource: false },
    { children: 6, silentOnes: 3, isSource: true },
    { children: 7, silentOnes: 3, isSource: false },
    { children: 7, silentOnes: 4, isSource: true },
  ])(
    'takes $silentOnes of $children silent devices for a dead source: $isSource',
    ({ children, silentOnes, isSource }) => {
      const { silent, decide } = groupsOf(children);
      const names = ['a', 'b', 'c', 'd'].slice(0, silentOnes);
      for (const name of names) silent(name, 0);
      expect(decide(100)).toEqual(isSource ? [`collector [${names.join()}]`] : names);
    },
  );

  it('tells of a dead source once, also when further devices follow, and again only when all had come back', () => {
    const { silent, decide, back } = groupsOf(3);
    for (const name of ['a', 'b', 'c']) silent(name, 0);
    expect(decide(100)).toEqual(['collector [a,b,c]']);
    expect(back('a', 200)).toEqual([]);
    silent('a', 600);
    expect(decide(800)).toEqual([]);
    expect([back('a', 900), back('b', 900), back('c', 900)]).toEqual([[], [], ['collector again []']]);
    for (const name of ['a', 'b', 'c']) silent(name, 2000);
    expect(decide(2100)).toEqual(['collector [a,b,c]']);
  });

  it('tells of a device that came back before its siblings had their time as one that was silent alone', () => {
    const { silent, back, decide } = groupsOf(5);
    silent('a', 0);
    expect(back('a', 50)).toEqual(['a', 'a again']);
    expect(decide(1000)).toEqual([]);
  });

  it('says nothing of a recovery of what was not silent', () => {
    expect(groupsOf(3).back('a', 0)).toEqual([]);
  });

  it('is the same after a restore', () => {
    const { groups, silent } = groupsOf(3);
    silent('a', 0);
    silent('b', 5);
    const again = new SilenceGroups();
    again.restore(JSON.parse(JSON.stringify(groups.save())));
    expect(again.nextDue()).toBe(groups.nextDue());
    expect(again.decideUpTo(T0 + 200_000)).toEqual(groups.decideUpTo(T0 + 200_000));
  });
});
