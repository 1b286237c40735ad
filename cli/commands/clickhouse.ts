import { type Command, Option } from 'commander';
import { readSections } from '../../config/server-sections.ts';
import { accessSql } from '../../olap/access/access-sql.ts';
import { accessXml } from '../../olap/access/access-xml.ts';
import type { CommandContext } from '../context.ts';

/** `vedette clickhouse access`: for an administrator of the server; asks and changes nothing. */
export function addClickhouseCommand(
  program: Command,
  context: Pick<CommandContext, 'output'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const clickhouse = program.command('clickhouse').description('For administrators of the ClickHouse of a cluster');
  clickhouse
    .command('access')
    .description("Print what makes the analysts' role, limits, quota and users, as `clickhouse.analysts` says")
    .addOption(
      new Option('-o, --output <format>', 'sql: statements to run; xml: a file for users.d/')
        .choices(['sql', 'xml'])
        .default('sql'),
    )
    .action(async (options: { output: 'sql' | 'xml' }, command: Command) => {
      const { config: path } = command.optsWithGlobals<{ config?: string }>();
      const { clickhouse: config } = readSections(path, environment).config;
      const text = options.output === 'xml' ? accessXml(config) : `${accessSql(config).join(';\n\n')};\n`;
      await context.output.write(text);
    });
}
