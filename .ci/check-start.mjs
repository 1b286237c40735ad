/**
 * The README's first command, as a user runs it: `npm start` must show its page, then exactly the four alerts of the
 * sample and nothing else, stay within its memory, and end cleanly on SIGTERM with no process left behind.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { argumentsOf, isAlive, processTree } from './process-tree.mjs';

/** What happens in the sample; each must be one alert, by one of these detectors. */
const EXPECTED = [
  { what: 'flood', family: 'denial-of-service', detectors: ['flood-ceiling', 'rate-cusum'] },
  { what: 'device falls silent', family: 'denial-of-service', detectors: ['silence'] },
  { what: 'exfiltration', family: 'data-loss', detectors: ['outbound-volume', 'large-upload'] },
  { what: 'wrong values', family: 'data-corruption', detectors: ['reading-range', 'level-cusum'] },
];

const BUILD_LIMIT_MS = 120_000;
const URL_LIMIT_MS = 10_000;
const ALERTS_LIMIT_MS = 60_000;
const REQUEST_LIMIT_MS = 10_000;
const STAY_MS = 15_000;
const STOP_LIMIT_MS = 30_000;
const RSS_LIMIT_BYTES = 1.5 * 2 ** 30;
const LOG_TAIL_LINES = 200;

const dataDir = mkdtempSync(join(tmpdir(), 'vedette-start-'));
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));
}

/** Every process that the command started, as it was first seen. */
const seen = new Map();
let output = '';
let peakRssBytes = 0;
let exit;

const npm = spawn('npm', ['start', '--', '--data', dataDir], { stdio: ['ignore', 'pipe', 'pipe'] });
npm.once('exit', (code, signal) => (exit = { code, signal }));
for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (output += chunk));
const sampler = setInterval(sampleTree, 500);

try {
  await runChecks();
} catch (error) {
  if (exit !== undefined) console.error(`npm start ended: ${JSON.stringify(exit)}`);
  console.error(`npm start: ${interrupted.signal.reason?.message ?? error.cause?.message ?? error.message}`);
  printLogs();
  process.exitCode = 1;
} finally {
  clearInterval(sampler);
  sampleTree();
  for (const started of [...seen.values()].filter(isAlive)) process.kill(started.pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
}

async function runChecks() {
  await until(
    () => 'the build ends',
    BUILD_LIMIT_MS,
    () => sampleTree().some(({ pid }) => isProgram(pid)),
  );
  const builtAt = performance.now();
  const url = await until(
    () => 'the URL is printed',
    URL_LIMIT_MS,
    () => /http:\/\/[\w.:[\]]+:\d+/.exec(output)?.[0],
  );
  report(`URL ${url}`, builtAt);

  const urlAt = performance.now();
  let alerts = [];
  const complete = async () => {
    alerts = await fetchAlerts(url);
    const { missing, others } = compare(alerts);
    if (others.length > 0) throw new Error(`alerts that the sample has no reason for: ${JSON.stringify(others)}`);
    return missing.length === 0;
  };
  await until(() => `these are alerts: ${compare(alerts).missing.join(', ')}`, ALERTS_LIMIT_MS, complete);
  report(`${EXPECTED.length} alerts`, urlAt);

  await sleep(STAY_MS, undefined, { signal: interrupted.signal });
  if (!(await complete())) throw new Error(`${STAY_MS / 1000} s later: ${compare(alerts).missing.join(', ')} gone`);

  const page = await get(`${url}/`);
  const html = await page.text();
  if (page.status !== 200 || !/^<!doctype html>/i.test(html)) throw new Error(`GET / gave ${page.status}: ${html}`);

  console.log(`  peak memory ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB in ${seen.size} processes`);
  if (peakRssBytes >= RSS_LIMIT_BYTES) throw new Error(`more memory than ${RSS_LIMIT_BYTES / 2 ** 20} MiB`);

  const stopAt = performance.now();
  npm.kill('SIGTERM');
  await until(
    () => 'it ends',
    STOP_LIMIT_MS,
    () => exit !== undefined,
    { mayEnd: true },
  );
  if (exit.code !== 0) throw new Error('SIGTERM must end it with code 0');
  await until(
    () => 'its processes are gone',
    STOP_LIMIT_MS,
    () => ![...seen.values()].some(isAlive),
    { mayEnd: true },
  );
  report('clean stop', stopAt);
}

/** Compares alerts with the expected ones; each expected one accounts for one alert. */
function compare(alerts) {
  const others = [...alerts];
  const missing = [];
  for (const { what, family, detectors } of EXPECTED) {
    const at = others.findIndex(
      (alert) => alert.family === family && alert.detectors.some((name) => detectors.includes(name)),
    );
    if (at < 0) missing.push(what);
    else others.splice(at, 1);
  }
  return { missing, others };
}

function get(url) {
  return fetch(url, { signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(REQUEST_LIMIT_MS)]) });
}

/** @returns {Promise<{ family: string, detectors: string[] }[]>} */
async function fetchAlerts(url) {
  const response = await get(`${url}/api/v1/alerts`);
  if (response.status !== 200) throw new Error(`GET /api/v1/alerts gave ${response.status}: ${await response.text()}`);
  const { items } = await response.json();
  return items;
}

/** Asks until the answer is truthy, and gives it. Fails after the limit, when the command ends, or on a signal. */
async function until(what, limitMs, ask, { mayEnd = false } = {}) {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (exit !== undefined && !mayEnd) throw new Error(`ended before ${what()}: ${JSON.stringify(exit)}`);
    if (performance.now() > deadline) throw new Error(`waited ${limitMs / 1000} s until ${what()}`);
    await sleep(250, undefined, { signal: interrupted.signal });
  }
}

function sampleTree() {
  const tree = processTree(npm.pid);
  for (const started of tree) seen.set(`${started.pid} ${started.startTicks}`, started);
  peakRssBytes = Math.max(
    peakRssBytes,
    tree.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  );
  return tree;
}

function isProgram(pid) {
  return argumentsOf(pid)[1]?.endsWith('dist/cli/main.js') ?? false;
}

function report(what, sinceMs) {
  console.log(`  ${what} after ${((performance.now() - sinceMs) / 1000).toFixed(1)} s`);
}

function printLogs() {
  const files = readdirSync(dataDir, { recursive: true }).filter((name) => name.endsWith('.log'));
  const logs = [['its output', output], ...files.map((name) => [name, readFileSync(join(dataDir, name), 'utf8')])];
  for (const [name, text] of logs) {
    console.error(`--- ${name}, last ${LOG_TAIL_LINES} lines`);
    console.error(text.split('\n').slice(-LOG_TAIL_LINES).join('\n'));
  }
}
