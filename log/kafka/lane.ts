import type { ConnectionOptions } from 'node:tls';
import { VedetteError } from '../../model/errors.ts';
import { createBroker, requestOf, type ApiVersions, type KafkajsConnection } from './kafkajs.ts';
import type { ApiCalls } from './protocol-types.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface LaneOptions {
  readonly clientId: string;
  /** Node's own TLS options; undefined: no TLS. */
  readonly tls?: ConnectionOptions | undefined;
  readonly sasl?: SaslCredentials | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface SaslCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** A request that is encoded here and not by kafkajs. Parts are sent as they are, without being copied together. */
export interface RawRequest {
  readonly name: string;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly body: readonly Uint8Array[];
  readonly timeoutMs: number;
}

/**
 * One connection to one broker, for one use: a broker answers a connection's requests one after the other, so a request
 * that waits at the broker (a fetch, a join) has a lane of its own. Once anything went wrong it is dead, and another is
 * made: kafkajs's connections keep half an answer when they connect again.
 *
 * Errors: UNAUTHORIZED; LOG_UNAVAILABLE for all else.
 */
export class Lane {
  readonly address: BrokerAddress;
  readonly versions: ApiVersions;
  readonly #connection: KafkajsConnection;
  #isDead = false;

  private constructor(address: BrokerAddress, versions: ApiVersions, connection: KafkajsConnection) {
    this.address = address;
    this.versions = versions;
    this.#connection = connection;
  }

  static async connect(address: BrokerAddress, options: LaneOptions, versions?: ApiVersions): Promise<Lane> {
    const { tls = null, sasl } = options;
    const broker = createBroker(
      {
        ...address,
        clientId: options.clientId,
        ssl: tls,
        sasl: sasl ? { ...sasl } : null,
        connectionTimeout: options.connectTimeoutMs,
        requestTimeout: options.requestTimeoutMs,
      },
      versions,
    );
    const connection = broker.connectionPool.pool[0]!;
    try {
      await broker.connect();
      return new Lane(address, broker.versions ?? {}, connection);
    } catch (error) {
      end(connection, error as Error);
      throw connectError(address, error as Error);
    }
  }

  get isDead(): boolean {
    return this.#isDead || !this.#connection.isConnected();
  }

  /** A request in kafkajs's encoding. The answer is given with its error codes in it; nothing of it is thrown. */
  async call<Name extends keyof ApiCalls>(name: Name, args: ApiCalls[Name]['args']): Promise<ApiCalls[Name]['answer']> {
    const { request, response, requestTimeout } = requestOf(this.versions, name, args);
    try {
      const answer = await this.#connection.send({
        request,
        response: { decode: response.decode, parse: async (data: unknown) => data },
        requestTimeout,
        logResponseError: false,
      });
      return answer as ApiCalls[Name]['answer'];
    } catch (error) {
      throw this.#failed(name, error as Error);
    }
  }

  /** Gives the answer's bytes behind its correlation id. */
  async send(request: RawRequest): Promise<Buffer> {
    const connection = this.#connection;
    const { apiKey, apiVersion, name } = request;
    try {
      // A session with a lifetime (the broker's connections.max.reauth.ms) ends the connection: kafkajs renews it.
      if (!connection.isAuthenticated()) await connection.authenticate();
      const correlationId = connection.nextCorrelationId();
      const { payload } = await new Promise<{ payload: Buffer }>((resolve, reject) => {
        connection.requestQueue.push({
          entry: { apiKey, apiName: name, apiVersion, correlationId, resolve, reject },
          expectResponse: true,
          requestTimeout: request.timeoutMs,
          sendRequest: () => this.#write(request, correlationId),
        });
      });
      return payload;
    } catch (error) {
      throw this.#failed(name, error as Error);
    }
  }

  destroy(): void {
    this.#isDead = true;
    end(this.#connection, new Error('the connection was given up'));
  }

  #write({ apiKey, apiVersion, body }: RawRequest, correlationId: number): void {
    const { socket, clientId } = this.#connection;
    if (!socket || this.isDead) throw new Error('not connected');
    const client = Buffer.from(clientId);
    const head = Buffer.alloc(14 + client.length);
    const sizeBytes = body.reduce((sum, part) => sum + part.length, head.length - 4);
    head.writeInt32BE(sizeBytes, 0);
    head.writeInt16BE(apiKey, 4);
    head.writeInt16BE(apiVersion, 6);
    head.writeInt32BE(correlationId, 8);
    head.writeInt16BE(client.length, 12);
    head.set(client, 14);
    socket.cork();
    socket.write(head);
    for (const part of body) socket.write(part);
    socket.uncork();
  }

  #failed(name: string, error: Error): VedetteError {
    this.destroy();
    const { host, port } = this.address;
    return new VedetteError('LOG_UNAVAILABLE', `${name} at Kafka's ${host}:${port} failed: ${error.message}`, {
      cause: error,
    });
  }
}

/** kafkajs's own disconnect waits for answers that may never come. */
function end(connection: KafkajsConnection, error: Error): void {
  connection.requestQueue.rejectAll(error);
  connection.requestQueue.destroy();
  connection.socket?.destroy();
}

const REFUSED = new Set(['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE']);
/** kafkajs says that the authentication failed also where the connection was lost in the middle of it. */
const LOST = /clos|time[d ]*out|not connected|ECONN|EPIPE/i;
const CERTIFICATE = /certificate|CERT_|self.signed|unable to verify|altname|SSL routines|wrong version number/i;

function connectError({ host, port }: BrokerAddress, error: Error & { type?: string }): VedetteError {
  const where = `Kafka's ${host}:${port}`;
  if (CERTIFICATE.test(error.message)) {
    return new VedetteError('UNAUTHORIZED', `TLS with ${where} failed: ${error.message}`, { cause: error });
  }
  const isRefused = error.name === 'KafkaJSSASLAuthenticationError' || REFUSED.has(error.type ?? '');
  if (isRefused && !LOST.test(error.message)) {
    return new VedetteError('UNAUTHORIZED', `${where} refused the credentials: ${error.message}`, { cause: error });
  }
  return new VedetteError('LOG_UNAVAILABLE', `${where} cannot be reached: ${error.message}`, { cause: error });
}
