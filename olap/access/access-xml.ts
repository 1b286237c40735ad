import type { ClickhouseConfig } from '../../config/clickhouse.ts';
import { databaseNames } from '../database-names.ts';
import { type AnalystSetting, analystSettings, quotaLimits } from './limits.ts';

/**
 * The same as {@link accessSql}, as a file for `users.d/`, where users are kept in files. Users without a password in
 * the configuration's own form are added by hand beside it, with this profile and quota.
 */
export function accessXml(config: ClickhouseConfig): string {
  const { analysts } = config;
  const settings = analystSettings(config);
  const views = databaseNames(config.databasePrefix).views;
  const constraints = settings.map(constraint).filter((line) => line !== '');
  return `<clickhouse>
  <profiles>
    <${analysts.profile}>
${settings.map(({ name, value }) => `      <${name}>${value}</${name}>`).join('\n')}
      <constraints>
${constraints.map((line) => `        ${line}`).join('\n')}
      </constraints>
    </${analysts.profile}>
  </profiles>
  <quotas>
    <${analysts.quotaName}>
      <interval>
        <duration>${analysts.quota.intervalSeconds}</duration>
${quotaLimits(config)
  .map(([name, value]) => `        <${name}>${value}</${name}>`)
  .join('\n')}
      </interval>
    </${analysts.quotaName}>
  </quotas>
${usersXml(config, `GRANT SELECT ON ${views}.*`)}</clickhouse>
`;
}

function constraint({ name, value, change }: AnalystSetting): string {
  switch (change) {
    case 'fixed':
      return `<${name}><const/></${name}>`;
    case 'lower':
      return `<${name}><min>1</min><max>${value}</max></${name}>`;
    case 'free':
      return '';
  }
}

function usersXml({ analysts }: ClickhouseConfig, grant: string): string {
  if (analysts.users.length === 0) return '';
  const users = analysts.users.map(
    ({ name, passwordSha256, networks }) => `    <${name}>
      <password_sha256_hex>${passwordSha256}</password_sha256_hex>
      <networks>${(networks.length === 0 ? ['::/0'] : networks).map((network) => `<ip>${network}</ip>`).join('')}</networks>
      <profile>${analysts.profile}</profile>
      <quota>${analysts.quotaName}</quota>
      <grants>
        <query>${grant}</query>
      </grants>
    </${name}>`,
  );
  return `  <users>\n${users.join('\n')}\n  </users>\n`;
}
