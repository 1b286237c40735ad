import { listen } from '../console/server.ts';
import { ClusterBackend } from './cluster-backend.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { createConsole } from './serve.ts';

export interface ServingCluster {
  readonly cluster: Cluster;
  readonly backend: ClusterBackend;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts one process of the cluster form and listens: the whole interface for the console, and for every role health,
 * readiness and metrics.
 */
export async function serveCluster(options: ClusterOptions): Promise<ServingCluster> {
  const { config, roles, onNotice } = options;
  const cluster = await Cluster.start(options);
  const backend = new ClusterBackend(cluster);
  const app = createConsole(backend, onNotice);
  const stop = async (): Promise<void> => {
    await app.close();
    backend.close();
    await cluster.stop();
  };
  try {
    // Several roles may run on one machine: only the console has an address that people know.
    const url = await listen(app, roles.has('console') ? config.http : { ...config.http, port: 0 });
    return { cluster, backend, url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
