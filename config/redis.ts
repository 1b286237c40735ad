import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Its contents, read when the configuration is: a path that leads nowhere is found out at the start. */
const pem = (what: string) =>
  z
    .string()
    .transform((path, context) => {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` });
        return z.NEVER;
      }
    })
    .optional()
    .describe(`path of a PEM file: ${what}`);

const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/, 'write host:port')
  .describe('host:port; IPv6 in brackets');

/** Where the job queue of the cluster form is kept. */
export const redisSchema = z.strictObject({
  topology: z
    .enum(['single', 'sentinel', 'cluster'])
    .default('single')
    .describe('`single`: one server. `sentinel`: `nodes` are the sentinels. `cluster`: `nodes` are some of its nodes'),
  nodes: z.array(hostPort).min(1).default(['127.0.0.1:6379']).describe('servers to begin with'),
  username: z.string().optional().describe('user of the ACL; undefined: the default user'),
  password: z.string().min(1).optional().describe('password of the user; better passwordEnv'),
  passwordEnv: z.string().min(1).optional().describe('environment variable that holds the password'),
  database: z.int().min(0).default(0).describe('number of the database; a cluster has 0 only'),
  sentinel: z
    .strictObject({
      master: z.string().min(1).default('mymaster').describe('name of the master that the sentinels watch'),
      username: z.string().optional().describe('user for the sentinels themselves'),
      password: z.string().min(1).optional().describe('password for the sentinels themselves'),
    })
    .prefault({}),
  tls: z
    .strictObject({
      ca: pem('authorities to trust; undefined: those of Node'),
      cert: pem('certificate of this client, where the server asks for one'),
      key: pem('key of that certificate'),
      serverName: z.string().optional().describe('name in the certificate of the server; undefined: the host'),
    })
    .optional()
    .describe('set, even to {}: the connection is encrypted and the certificate checked'),
  namespace: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'write small letters, digits and dashes, beginning with a letter')
    .default('vedette')
    .describe('beginning of the names of all keys; installations that share a server have one each'),
  connectTimeoutMs: z.int().min(100).default(5000).describe('time to connect, ms'),
  commandTimeoutMs: z
    .int()
    .min(100)
    .default(10_000)
    .describe('how long an operation waits for a server that is away, ms, before it is QUEUE_UNAVAILABLE'),
});

export type RedisConfig = z.output<typeof redisSchema>;
