import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));

/**
 * One process as /proc tells it.
 *
 * @typedef {{ pid: number, parent: number, startTicks: string, rssBytes: number, state: string }} ProcessInfo
 */

/** @returns {ProcessInfo | undefined} undefined when there is no such process. */
function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name in brackets, and may hold spaces and brackets; proc(5) numbers fields from 1.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0],
      parent: Number(fields[1]),
      startTicks: fields[19],
      rssBytes: Number(fields[21]) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}

/** The process and all that descend from it, parents first. @returns {ProcessInfo[]} */
export function processTree(rootPid) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((process) => process !== undefined);
  const tree = all.filter((process) => process.pid === rootPid);
  for (let i = 0; i < tree.length; i++) tree.push(...all.filter((process) => process.parent === tree[i].pid));
  return tree;
}

/** Whether this very process still runs, and not another that got its id. @param {ProcessInfo} process */
export function isAlive(process) {
  const now = readProcess(process.pid);
  return now !== undefined && now.startTicks === process.startTicks && now.state !== 'Z';
}

/** @returns {string[]} empty when the process is gone. */
export function argumentsOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
