import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The package's version, whether this runs from sources or from `dist`. */
export const VERSION = ((): string => {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (require(path) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return 'unknown';
})();
