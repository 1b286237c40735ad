import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { PulsarConfig } from '../../config/pulsar.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Check, CheckGroup } from './check.ts';
import { clockFinding } from './clock.ts';

const partitionsSchema = z.object({ partitions: z.number() });
const runtimeSchema = z.record(z.string(), z.string());
const FRAME_BYTES = 1 << 20;

/** Asks over the admin interface, and changes nothing. */
export function pulsarChecks(config: PulsarConfig): CheckGroup {
  const namespace = `${config.tenant}/${config.namespace}`;
  const ask = (path: string): Promise<Response> => request(config, `/admin/v2/${path}`);
  return {
    server: 'pulsar',
    first: {
      name: 'reachable',
      run: async () => {
        const version = await text(await ask('brokers/version'));
        await text(await ask('clusters'));
        return { level: 'ok', found: `Pulsar ${version} at ${config.adminUrl}` };
      },
    },
    others: [
      {
        name: 'namespace',
        run: async () => {
          const found = await ask(`namespaces/${namespace}`);
          if (found.status === 404) return notYet(config, `no namespace ${namespace} yet`);
          await text(found);
          const deduplication = await text(await ask(`namespaces/${namespace}/deduplication`));
          if (deduplication === 'true') return { level: 'ok', found: `${namespace}, deduplication on` };
          const advice = `pulsar-admin namespaces set-deduplication ${namespace} --enable: otherwise what is sent twice is stored twice`;
          return { level: 'warn', found: `${namespace}, deduplication ${deduplication || 'not set'}`, advice };
        },
      },
      { name: 'topics', run: () => topicsFinding(config, ask) },
      { name: 'frames', run: () => framesFinding(config, ask) },
      {
        name: 'clock',
        run: () =>
          clockFinding(async () => Date.parse((await ask('brokers/version')).headers.get('date') ?? ''), {
            resolutionMs: 1000,
          }),
      },
    ],
    advice: {
      RAW_LOG_UNAVAILABLE: 'start the server, or correct pulsar.adminUrl',
      UNAUTHORIZED:
        'correct the token (pulsar.tokenFile, tokenEnv): its role needs produce and consume on the namespace',
      CONFIG_INVALID: 'correct the section `pulsar`',
    },
    close: () => Promise.resolve(),
  };
}

async function topicsFinding(config: PulsarConfig, ask: (path: string) => Promise<Response>) {
  const specs = [
    ...config.topics.map(({ name, partitions }) => ({ name: `raw-${name}`, partitions })),
    ...(config.deadLetters.publish
      ? [{ name: config.deadLetters.topic, partitions: config.deadLetters.partitions }]
      : []),
  ];
  const missing: string[] = [];
  const wrong: string[] = [];
  for (const { name, partitions } of specs) {
    const path = `persistent/${config.tenant}/${config.namespace}/${name}/partitions?checkAllowAutoCreation=false`;
    const answer = await ask(path);
    if (answer.status === 404) {
      missing.push(name);
      continue;
    }
    const found = partitionsSchema.parse(JSON.parse(await text(answer))).partitions;
    if (found !== partitions) wrong.push(`${name} has ${found} partitions, not ${partitions}`);
  }
  if (wrong.length > 0) {
    const advice = 'correct pulsar.topics: a topic keeps its partitions for life';
    return { level: 'fail' as const, found: wrong.join('; '), advice };
  }
  if (missing.length > 0) return notYet(config, `${missing.join(', ')} not there yet`);
  return { level: 'ok' as const, found: `${specs.length} topics` };
}

/** Payloads go in base64 in a text frame, which the server limits. */
async function framesFinding(config: PulsarConfig, ask: (path: string) => Promise<Response>): ReturnType<Check['run']> {
  const needed = Math.ceil((config.maxMessageBytes * 4) / 3) + 4096;
  const answer = await ask('brokers/configuration/runtime');
  // Only who may do everything is told; the server's default holds then.
  const runtime = answer.ok ? runtimeSchema.parse(await answer.json()) : {};
  const told = runtime['webSocketMaxTextFrameSize'];
  const frame = told === undefined ? FRAME_BYTES : Number(told);
  const found = `frames of ${frame} bytes${told === undefined ? ' (the default: the setting is not told)' : ''}, ${needed} needed`;
  if (config.transport === 'native' || frame >= needed) return { level: 'ok', found };
  const advice = `set webSocketMaxTextFrameSize=${needed} in broker.conf, or lower pulsar.maxMessageBytes`;
  return { level: 'fail', found, advice };
}

function notYet(config: PulsarConfig, found: string) {
  return config.createTopics
    ? {
        level: 'warn' as const,
        found,
        advice: '`vedette run` makes it at its first start; the token’s role needs the right to',
      }
    : { level: 'fail' as const, found, advice: 'make it with pulsar-admin, or set pulsar.createTopics' };
}

async function request(config: PulsarConfig, path: string): Promise<Response> {
  const token = tokenOf(config);
  const url = `${config.adminUrl.replace(/\/$/, '')}${path}`;
  let answer: Response;
  try {
    answer = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(config.handshakeMs),
    });
  } catch (cause) {
    throw new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar at ${config.adminUrl} does not answer`, { cause });
  }
  if (answer.status !== 401 && !(answer.status === 403 && !path.endsWith('/runtime'))) return answer;
  throw new VedetteError('UNAUTHORIZED', `Pulsar answers ${answer.status} to ${path}: ${await answer.text()}`);
}

async function text(answer: Response): Promise<string> {
  const body = (await answer.text()).trim();
  if (answer.ok) return body;
  throw new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar answers ${answer.status}: ${body.slice(0, 200)}`);
}

function tokenOf({ token, tokenEnv, tokenFile }: PulsarConfig): string | undefined {
  if (token !== undefined) return token;
  if (tokenEnv !== undefined) return process.env[tokenEnv];
  return tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim();
}
