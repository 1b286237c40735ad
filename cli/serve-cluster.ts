import { mkdirSync } from 'node:fs';
import { listen } from '../console/server.ts';
import { tameAllocator } from './allocator.ts';
import { ClusterBackend } from './cluster-backend.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { removeInstanceFile, writeInstanceFile } from './instance-file.ts';
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
  const { config, roles, dataDir, onNotice } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await tameAllocator();
  const cluster = await Cluster.start(options);
  const backend = new ClusterBackend(cluster);
  const app = createConsole(backend, onNotice);
  const stop = async (): Promise<void> => {
    removeInstanceFile(dataDir);
    await app.close();
    backend.close();
    await cluster.stop();
  };
  try {
    // Several roles may run on one machine: only the console has an address that people know.
    const url = await listen(app, roles.has('console') ? config.http : { ...config.http, port: 0 });
    // How commands and the image's health check find this process.
    writeInstanceFile(dataDir, { url, pid: process.pid, dataDir });
    return { cluster, backend, url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
