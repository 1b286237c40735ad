// Health check of the image: exit code 0 when the process of this container answers. Roles other than the console
// listen on a port of their own choice, which they write into their data folder.
import { readFileSync } from 'node:fs';

function address() {
  try {
    return JSON.parse(readFileSync('var/instance.json', 'utf8')).url;
  } catch (error) {
    // No instance of this container's own: `door` shares the console's addresses, and nothing else.
    if (error.code === 'ENOENT') return 'http://127.0.0.1:8470';
    throw error;
  }
}

const response = await fetch(new URL('/healthz', address()), { signal: AbortSignal.timeout(4000) });
process.exitCode = response.ok ? 0 : 1;
