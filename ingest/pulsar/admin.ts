import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { VedetteError } from '../../model/errors.ts';
import type { RawTopic, RawTopicSpec } from '../raw-log.ts';

/** Property of a topic that tells its incarnations apart: ledger ids begin again in a new cluster. */
const INCARNATION = 'vedette-incarnation';
const NEW_TOPIC = 'application/vnd.partitioned-topic-metadata+json';

const metadataSchema = z.object({ partitions: z.number() });
const propertiesSchema = z.record(z.string(), z.string());
const clustersSchema = z.array(z.string());
const subscriptionSchema = z.object({ activeConsumerName: z.string().optional(), msgBacklog: z.number() });
const statsSchema = z.object({
  partitions: z.record(z.string(), z.object({ subscriptions: z.record(z.string(), subscriptionSchema) })),
});

/** A subscription on a partition of a topic. */
export interface RawBacklog {
  readonly partition: number;
  /** Messages that are not acknowledged; undefined: nobody has ever subscribed. */
  readonly messages?: number;
  /** Who is given the messages. */
  readonly consumer?: string;
}

export interface PulsarPlace {
  /** `http://host:8080` */
  readonly adminUrl: string;
  readonly tenant: string;
  readonly namespace: string;
  /** Read for each request, so that a renewed token is taken up. */
  readonly token?: () => string | undefined;
  readonly timeoutMs: number;
}

/** What is needed of Pulsar's admin interface (HTTP): topics, and who reads them. */
export class PulsarAdmin {
  private readonly place: PulsarPlace;

  constructor(place: PulsarPlace) {
    this.place = place;
  }

  /** Tenant and namespace, made where they are missing; producers that send a message twice are seen through. */
  async ensureNamespace(): Promise<void> {
    const { tenant, namespace } = this.place;
    const path = `namespaces/${tenant}/${namespace}`;
    if ((await this.request('GET', path)).status === 200) return;
    if ((await this.request('GET', `tenants/${tenant}`)).status === 404) {
      const allowedClusters = clustersSchema.parse(await (await this.expect('GET', 'clusters', [200])).json());
      await this.expect('PUT', `tenants/${tenant}`, [204, 409], { body: { adminRoles: [], allowedClusters } });
    }
    await this.expect('PUT', path, [204, 409], { body: {} });
    await this.expect('POST', `${path}/deduplication`, [204], { body: true });
  }

  /** The topic as it is, made as declared where it is missing and `mayCreate`. */
  async openTopic(spec: RawTopicSpec, { mayCreate }: { readonly mayCreate: boolean }): Promise<RawTopic> {
    const path = this.topicPath(spec.name);
    const isThere = async (): Promise<boolean> => {
      const found = await this.expect('GET', `${path}/partitions?checkAllowAutoCreation=false`, [200, 404]);
      if (found.status === 404) return false;
      const { partitions } = metadataSchema.parse(await found.json());
      if (partitions === spec.partitions) return true;
      const is = partitions === 0 ? 'exists and is not partitioned' : `has ${partitions} partitions`;
      throw new VedetteError(
        'CONFIG_INVALID',
        `Pulsar topic ${spec.name} ${is}, the configuration says ${spec.partitions}; a topic keeps its partitions for life`,
      );
    };
    if (!(await isThere())) {
      if (!mayCreate)
        throw new VedetteError('NOT_FOUND', `Pulsar topic ${spec.name} does not exist, and may not be created here`);
      await this.ensureNamespace();
      await this.expect('PUT', `${path}/partitions`, [204, 409], {
        body: { partitions: spec.partitions, properties: { [INCARNATION]: randomUUID() } },
        type: NEW_TOPIC,
      });
      if (!(await isThere())) throw new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar topic ${spec.name} was not made`);
    }
    return { ...spec, incarnation: await this.incarnation(path) };
  }

  /** By partition, the name of the consumer that a Failover subscription gives the messages to. */
  async activeConsumers(topic: RawTopicSpec, subscription: string): Promise<(string | undefined)[]> {
    const names = new Array<string | undefined>(topic.partitions).fill(undefined);
    const found = await this.backlog(topic.name, subscription);
    if (!found) throw new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar topic ${topic.name} is not there`);
    for (const { partition, consumer } of found) {
      if (partition < names.length) names[partition] = consumer;
    }
    return names;
  }

  /** By partition, what a subscription has still to acknowledge; undefined: there is no such topic. */
  async backlog(topic: string, subscription: string): Promise<RawBacklog[] | undefined> {
    const path = `${this.topicPath(topic)}/partitioned-stats?perPartition=true`;
    const response = await this.expect('GET', path, [200, 404]);
    if (response.status === 404) return undefined;
    const { partitions } = statsSchema.parse(await response.json());
    return Object.entries(partitions)
      .map(([name, { subscriptions }]) => {
        const { msgBacklog: messages, activeConsumerName: consumer } = subscriptions[subscription] ?? {};
        return {
          partition: Number(/-partition-(\d+)$/.exec(name)?.[1] ?? -1),
          ...(messages !== undefined && { messages }),
          ...(consumer !== undefined && consumer !== '' && { consumer }),
        };
      })
      .filter(({ partition }) => partition >= 0)
      .sort((a, b) => a.partition - b.partition);
  }

  /** A topic that others made has none yet: the first to come gives it one. */
  private async incarnation(path: string): Promise<string> {
    const read = async (): Promise<string | undefined> => {
      const response = await this.expect('GET', `${path}/properties`, [200]);
      return propertiesSchema.parse(await response.json())[INCARNATION];
    };
    const known = await read();
    if (known !== undefined) return known;
    await this.expect('PUT', `${path}/properties`, [204], { body: { [INCARNATION]: randomUUID() } });
    const given = await read();
    if (given === undefined) throw new VedetteError('RAW_LOG_UNAVAILABLE', `${path} keeps no properties`);
    return given;
  }

  private topicPath(topic: string): string {
    return `persistent/${this.place.tenant}/${this.place.namespace}/${topic}`;
  }

  private async expect(
    method: string,
    path: string,
    statuses: readonly number[],
    content?: { readonly body: unknown; readonly type?: string },
  ): Promise<Response> {
    const response = await this.request(method, path, content);
    const { status } = response;
    if (statuses.includes(status)) return response;
    const said = (await response.text()).slice(0, 300);
    const what = `Pulsar answers ${status} to ${method} ${path}: ${said}`;
    if (status === 401 || status === 403) throw new VedetteError('UNAUTHORIZED', what);
    throw new VedetteError(status >= 500 || status === 404 ? 'RAW_LOG_UNAVAILABLE' : 'CONFIG_INVALID', what);
  }

  private async request(
    method: string,
    path: string,
    content?: { readonly body: unknown; readonly type?: string },
  ): Promise<Response> {
    const { adminUrl, token, timeoutMs } = this.place;
    const bearer = token?.();
    const headers: Record<string, string> = {
      ...(content ? { 'content-type': content.type ?? 'application/json' } : {}),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    };
    try {
      return await fetch(`${adminUrl.replace(/\/$/, '')}/admin/v2/${path}`, {
        method,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
        ...(content ? { body: JSON.stringify(content.body) } : {}),
      });
    } catch (error) {
      throw new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar's admin interface at ${adminUrl} does not answer`, {
        cause: error,
      });
    }
  }
}
