import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VedetteError } from '../model/errors.ts';

/** Package that holds the ClickHouse library, by `process.platform`-`process.arch`. */
const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': '@chdb/lib-darwin-arm64',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'linux-x64': '@chdb/lib-linux-x64-gnu',
};

/**
 * What the child process runs: `node -e SCRIPT -- LIBRARY FFI_MODULE ARGUMENT…`.
 *
 * Text, not a module, so that it is the same from sources and from the build and needs no loader. The call holds the
 * main thread until standard input ends: the library must own the process's main stack, and the child ends with its
 * parent, however the parent ends.
 */
export const CHILD_HOST_SCRIPT = `'use strict';
const [library, ffi, ...rest] = process.argv.slice(1);
const { DataType, load, open } = require(ffi);
const args = ['clickhouse', ...rest];
open({ library: 'chdb', path: library });
load({ library: 'chdb', funcName: 'chdb_query_cmdline', retType: DataType.BigInt,
  paramsType: [DataType.I32, DataType.StringArray], paramsValue: [args.length, args] });
process.exit(0);`;

/** Absolute paths of what the child loads. */
export interface ChildLibraries {
  readonly clickhouse: string;
  readonly ffi: string;
}

/**
 * Finds the ClickHouse library of this platform, without loading it.
 *
 * @throws VedetteError UNSUPPORTED on another platform, or where the packages are not installed.
 */
export function resolveChildLibraries(platform = `${process.platform}-${process.arch}`): ChildLibraries {
  const packageName = PLATFORM_PACKAGES[platform];
  if (packageName === undefined) {
    throw new VedetteError(
      'UNSUPPORTED',
      `the embedded ClickHouse runs on ${Object.keys(PLATFORM_PACKAGES).join(', ')}, not on ${platform}; ` +
        'point the configuration at a ClickHouse server instead',
    );
  }
  const require = createRequire(import.meta.url);
  // The library's package is a dependency of chdb: another package manager may keep it where only chdb sees it.
  const clickhouse = libraryIn(packageFolder(createRequire(packagePath(require, 'chdb')), packageName));
  if (clickhouse === undefined) {
    throw new VedetteError('UNSUPPORTED', `package ${packageName} holds no libchdb.so; install the packages again`);
  }
  return { clickhouse, ffi: packagePath(require, 'ffi-rs', 'ffi-rs') };
}

function packageFolder(require: NodeJS.Require, name: string): string {
  return dirname(packagePath(require, name));
}

function packagePath(require: NodeJS.Require, name: string, target = `${name}/package.json`): string {
  try {
    return require.resolve(target);
  } catch (error) {
    throw new VedetteError(
      'UNSUPPORTED',
      `package ${name} is not installed (was npm run with --omit=optional?); install the packages again`,
      { cause: error },
    );
  }
}

function libraryIn(folder: string): string | undefined {
  return ['libchdb.so', 'libchdb.dylib'].map((name) => join(folder, name)).find((path) => existsSync(path));
}
