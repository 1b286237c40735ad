import { type z } from 'zod';
import { problemSchema } from '../console/problem.ts';
import { visibleText } from '../console/visible-text.ts';
import { CommandError, EXIT } from './exit-code.ts';

export interface ApiRequest {
  /** Undefined ones are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Takes requests to an instance: over the network, or to one in this process. */
export interface Transport {
  /** Errors: CommandError `unreachable`. */
  send(request: {
    readonly method: 'GET' | 'POST';
    /** With its query. */
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal?: AbortSignal;
  }): Promise<ApiResponse>;
  close(): Promise<void>;
}

/** Speaks the HTTP API of an instance. Errors: CommandError with the exit code that fits. */
export class ApiClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The answer's JSON, checked by `schema`. */
  async json<S extends z.ZodType>(
    method: 'GET' | 'POST',
    path: string,
    request: ApiRequest & { readonly schema: S },
  ): Promise<z.output<S>> {
    const text = await this.text(method, path, request);
    const parsed = request.schema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    throw new CommandError(EXIT.error, 'the answer is not as expected: is the instance of another version?', {
      cause: parsed.error,
    });
  }

  async text(method: 'GET' | 'POST', path: string, request: ApiRequest = {}): Promise<string> {
    const response = await this.request(method, path, request);
    return readText(response.body);
  }

  /** A successful answer, its body unread. */
  async request(
    method: 'GET' | 'POST',
    path: string,
    request: ApiRequest & { readonly signal?: AbortSignal } = {},
  ): Promise<ApiResponse> {
    const response = await this.#transport.send({
      method,
      path: withQuery(path, request.query ?? {}),
      headers: { ...(request.body !== undefined && { 'content-type': 'application/json' }), ...request.headers },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      ...(request.signal && { signal: request.signal }),
    });
    if (response.status < 400) return response;
    throw refusal(response.status, await readText(response.body));
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** What the instance said against it, as an error of this command. */
function refusal(status: number, text: string): CommandError {
  const problem = problemSchema.safeParse(tryJson(text));
  const detail = problem.success ? problem.data.detail : `the instance answered ${status}`;
  const exitCode = status === 404 ? EXIT.notFound : status === 400 ? EXIT.usage : EXIT.error;
  // ClickHouse's words come in several lines.
  return new CommandError(exitCode, visibleText(detail, { keepLines: true }));
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
