import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { asError, type ErrorCode, VedetteError } from '../model/errors.ts';
import type { OlapEndpoint } from './client.ts';

/** ClickHouse's error codes that pass by themselves: memory, parts, simultaneous queries, space, timeouts, shutdown. */
const PASSING_CODES: ReadonlySet<number> = new Set([
  159, 201, 202, 203, 209, 210, 236, 241, 242, 243, 252, 319, 394, 425, 439, 473, 499, 999, 1000,
]);

/** Codes of a login that fails: unknown user, wrong or missing password, address that is not allowed. */
const LOGIN_CODES: ReadonlySet<number> = new Set([192, 193, 194, 195, 516]);

/** Certificates of connections by https, PEM. */
export interface OlapTls {
  /** Authorities that are trusted; otherwise those of the system. */
  readonly ca?: string;
  /** Certificate of this client, with its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Settings of one request, as ClickHouse names them. */
export type OlapSettings = Readonly<Record<string, string | number>>;

export interface PostOptions {
  readonly agent: HttpAgent | HttpsAgent;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: readonly Uint8Array[];
  readonly timeoutMs: number;
  /** Called when there is a connection, and waited for. Where it rejects, nothing is sent, and the post rejects alike. */
  readonly beforeSend?: () => Promise<void>;
  readonly onSent?: () => void;
}

/** One agent a client: connections are kept and few. */
export function createAgent(
  endpoint: OlapEndpoint,
  { tls = {}, maxConnections = 16 }: { readonly tls?: OlapTls; readonly maxConnections?: number } = {},
): HttpAgent | HttpsAgent {
  const options = { keepAlive: true, maxSockets: maxConnections, scheduling: 'lifo' as const };
  return endpoint.url.startsWith('https:') ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
}

/**
 * Posts the chunks as they are, without copying, and resolves with the answer's text once ClickHouse has finished.
 *
 * @throws VedetteError OLAP_UNAVAILABLE (no connection, cut connection, timeout, a condition that passes),
 * OLAP_REFUSED (an error that will not pass), UNAUTHORIZED (user or password).
 */
export async function post(endpoint: OlapEndpoint, options: PostOptions): Promise<string> {
  const url = new URL(endpoint.pathname ?? '/', endpoint.url);
  for (const [name, value] of Object.entries(options.parameters)) url.searchParams.set(name, value);
  const headers: Record<string, string | number> = {
    'content-length': options.body.reduce((sum, chunk) => sum + chunk.length, 0),
  };
  if (endpoint.username !== undefined) headers['x-clickhouse-user'] = endpoint.username;
  if (endpoint.password !== undefined) headers['x-clickhouse-key'] = endpoint.password;
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : String(error);
      reject(new VedetteError('OLAP_UNAVAILABLE', `ClickHouse does not answer: ${reason}`, { cause: error }));
    };
    const request = send(url, { method: 'POST', agent: options.agent, headers, timeout: options.timeoutMs });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${options.timeoutMs} ms`)));
    request.on('error', fail);
    if (options.onSent !== undefined) request.on('finish', options.onSent);
    request.on('response', (response) => {
      readText(response).then((text) => {
        const error = responseError(response, text);
        if (error === undefined) resolve(text);
        else reject(error);
      }, fail);
    });
    const write = async (): Promise<void> => {
      await options.beforeSend?.();
      // It may have ended meanwhile: closed by the server, or over its time.
      if (request.destroyed) return;
      request.cork();
      for (const chunk of options.body) request.write(chunk);
      request.uncork();
      request.end();
    };
    const begin = (): void => {
      write().catch((reason: unknown) => {
        reject(asError(reason));
        request.destroy();
      });
    };
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', begin);
      else begin();
    });
  });
}

/** Whether the server answers a query now. */
export async function ping(endpoint: OlapEndpoint): Promise<boolean> {
  const agent = new HttpAgent();
  try {
    const parameters = { query: 'SELECT 1' };
    return (await post(endpoint, { agent, parameters, body: [], timeoutMs: 2000 })).trim() === '1';
  } catch (error) {
    if (error instanceof VedetteError) return false;
    throw error;
  } finally {
    agent.destroy();
  }
}

/** The error of a ClickHouse code and message. `passing` decides whether trying again can help. */
export function olapError(code: number, message: string): VedetteError {
  const cause = { clickhouseCode: code };
  if (LOGIN_CODES.has(code)) {
    return new VedetteError('UNAUTHORIZED', `ClickHouse refuses user or password (code ${code}): ${message}`, {
      cause,
    });
  }
  return PASSING_CODES.has(code)
    ? new VedetteError('OLAP_UNAVAILABLE', `ClickHouse is overloaded or stopping (code ${code}): ${message}`, { cause })
    : new VedetteError('OLAP_REFUSED', `ClickHouse refused the statement (code ${code}): ${message}`, { cause });
}

/** ClickHouse's own code of an error, where it answered with one. */
export function clickhouseCode(error: unknown): number | undefined {
  if (!(error instanceof VedetteError) || typeof error.cause !== 'object' || error.cause === null) return undefined;
  return 'clickhouseCode' in error.cause ? Number(error.cause.clickhouseCode) : undefined;
}

function responseError(response: IncomingMessage, text: string): VedetteError | undefined {
  const header = response.headers['x-clickhouse-exception-code'];
  if (header !== undefined) return olapError(Number(header), text.trim().slice(0, 2000));
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return undefined;
  return new VedetteError(statusError(status), `ClickHouse answered ${status}: ${text.trim().slice(0, 500)}`);
}

function statusError(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'UNAUTHORIZED';
  return status >= 500 || status === 429 ? 'OLAP_UNAVAILABLE' : 'OLAP_REFUSED';
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}
