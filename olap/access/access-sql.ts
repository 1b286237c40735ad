import type { ClickhouseConfig } from '../../config/clickhouse.ts';
import { databaseNames } from '../database-names.ts';
import { analystSettings, type AnalystSetting, quotaLimits } from './limits.ts';

/**
 * The statements that make the analysts' role, its limits, quota and users, in order; an administrator runs them, on
 * any server of a cluster. The role may read the views and nothing else: those read the tables in their owner's name.
 * They may be run again, and set everything to the configuration but the passwords of users that are there.
 */
export function accessSql(config: ClickhouseConfig): string[] {
  const { analysts } = config;
  const on = config.cluster === undefined ? '' : ` ON CLUSTER ${config.cluster}`;
  const maxima = quotaLimits(config).map(([name, value]) => `${name} = ${value}`);
  return [
    `CREATE SETTINGS PROFILE OR REPLACE ${analysts.profile}${on} SETTINGS
  ${analystSettings(config).map(settingSql).join(',\n  ')}`,
    `CREATE ROLE IF NOT EXISTS ${analysts.role}${on}`,
    `ALTER ROLE ${analysts.role}${on} SETTINGS PROFILE '${analysts.profile}'`,
    `GRANT${on} SELECT ON ${databaseNames(config.databasePrefix).views}.* TO ${analysts.role}`,
    `CREATE QUOTA OR REPLACE ${analysts.quotaName}${on} KEYED BY user_name FOR INTERVAL ${analysts.quota.intervalSeconds} SECOND ${
      maxima.length === 0 ? 'TRACKING ONLY' : `MAX ${maxima.join(', ')}`
    } TO ${analysts.role}`,
    ...analysts.users.flatMap(({ name, passwordSha256, networks }) => [
      `CREATE USER IF NOT EXISTS ${name}${on} IDENTIFIED WITH sha256_hash BY '${passwordSha256}' HOST ${hosts(networks)}`,
      `GRANT${on} ${analysts.role} TO ${name}`,
      `ALTER USER ${name}${on} DEFAULT ROLE ${analysts.role}`,
    ]),
  ];
}

function settingSql({ name, value, change }: AnalystSetting): string {
  const text = typeof value === 'number' ? String(value) : `'${value}'`;
  switch (change) {
    case 'fixed':
      return `${name} = ${text} CONST`;
    case 'lower':
      return `${name} = ${text} MIN 1 MAX ${text}`;
    case 'free':
      return `${name} = ${text}`;
  }
}

function hosts(networks: readonly string[]): string {
  return networks.length === 0 ? 'ANY' : `IP ${networks.map((network) => `'${network}'`).join(', ')}`;
}
