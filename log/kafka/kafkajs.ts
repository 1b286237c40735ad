import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { AssignerProtocol } from 'kafkajs';
import { openSocket, type SocketOptions } from './socket.ts';

/*
 * All that is taken from below kafkajs's public interface, and the part of its types that is used: connections with their
 * handshake (TLS, SASL), the requests that it can encode, and the names of the protocol's errors. The package has no
 * `exports`, so these paths are as stable as its version.
 */

export type ApiVersions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;

export interface KafkajsLogger {
  namespace(name: string): KafkajsLogger;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface KafkajsConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly ssl: ConnectionOptions | null;
  readonly sasl: object | null;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly logger: KafkajsLogger;
  readonly socketFactory: (options: SocketOptions) => Socket;
}

export interface KafkajsProtocol {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string };
  readonly response: { readonly decode: (payload: Buffer) => Promise<unknown> };
  readonly requestTimeout?: number;
}

export interface KafkajsConnection {
  readonly socket?: Socket;
  readonly clientId: string;
  readonly requestQueue: {
    push(request: {
      entry: KafkajsEntry;
      expectResponse: boolean;
      requestTimeout: number | null;
      sendRequest: () => void;
    }): void;
    rejectAll(error: Error): void;
    destroy(): void;
  };
  isConnected(): boolean;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  nextCorrelationId(): number;
  send(protocol: object): Promise<unknown>;
}

interface KafkajsEntry {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly resolve: (answer: { readonly payload: Buffer }) => void;
  readonly reject: (error: Error) => void;
}

export interface KafkajsPool {
  readonly pool: readonly KafkajsConnection[];
}

export interface KafkajsBroker {
  readonly connectionPool: KafkajsPool;
  readonly versions: ApiVersions | null;
  connect(): Promise<void>;
}

const require = createRequire(import.meta.url);
const Broker = require('kafkajs/src/broker/index.js') as new (options: {
  readonly connectionPool: KafkajsPool;
  readonly logger: KafkajsLogger;
  readonly versions: ApiVersions | null;
  readonly allowAutoTopicCreation: boolean;
}) => KafkajsBroker;
const ConnectionPool = require('kafkajs/src/network/connectionPool.js') as new (
  options: KafkajsConnectionOptions,
) => KafkajsPool;
const apiKeys = require('kafkajs/src/protocol/requests/apiKeys.js') as Readonly<Record<string, number>>;
const protocol = require('kafkajs/src/protocol/requests/index.js') as {
  readonly requests: Readonly<Record<string, object>>;
  readonly lookup: (
    versions: ApiVersions,
  ) => (apiKey: number, definition: object) => (options: unknown) => KafkajsProtocol;
};
const { errorCodes } = require('kafkajs/src/protocol/error.js') as {
  readonly errorCodes: readonly { readonly type: string; readonly code: number }[];
};

/** Made, and not yet connected. */
export function createBroker(
  options: Omit<KafkajsConnectionOptions, 'logger' | 'socketFactory' | 'enforceRequestTimeout'>,
  versions: ApiVersions | undefined,
): KafkajsBroker {
  const connectionPool = new ConnectionPool({
    ...options,
    enforceRequestTimeout: true,
    logger: SILENT,
    socketFactory: openSocket,
  });
  return new Broker({ connectionPool, logger: SILENT, versions: versions ?? null, allowAutoTopicCreation: false });
}

/** The request as kafkajs encodes it in the highest version that both sides know, and its decoder. */
export function requestOf(versions: ApiVersions, name: string, options: unknown): KafkajsProtocol {
  const definition = protocol.requests[name];
  const apiKey = apiKeys[name];
  if (!definition || apiKey === undefined) throw new Error(`kafkajs has no request ${name}`);
  return protocol.lookup(versions)(apiKey, definition)(options);
}

/** Such as `NOT_LEADER_FOR_PARTITION`. */
export function errorName(code: number): string {
  return ERROR_NAMES.get(code) ?? `error ${code}`;
}

export const { MemberMetadata, MemberAssignment } = AssignerProtocol;

const ERROR_NAMES = new Map(errorCodes.map(({ code, type }) => [code, type]));

/** What goes wrong comes back as an error to whoever asked; kafkajs would print it as well. */
const SILENT: KafkajsLogger = {
  namespace: () => SILENT,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
