/** What both transports need to know. */
export interface PulsarLogOptions {
  readonly adminUrl: string;
  readonly tenant: string;
  readonly namespace: string;
  /** Read for each connection and request, so that a renewed token is taken up. */
  readonly token?: () => string | undefined;
  /** Whether topics, and their tenant and namespace, are made where they are missing. */
  readonly mayCreate: boolean;
  readonly handshakeMs: number;
  /** A message that is not stored within this time is given up. */
  readonly publishTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Bytes that may be on their way to a partition without an answer. */
  readonly windowBytes: number;
  /** Bytes that may wait for a partition in all; what goes beyond is refused. */
  readonly maxPendingBytes: number;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}
