/** By how much the memory that the allocator holds may grow before what is free of it is given back, bytes. */
const MOST_GROWTH_BYTES = 16 << 20;
const LOOK_MS = 1000;

/** A number of glibc's malloc.h. */
const M_ARENA_MAX = -8;

interface Malloc {
  mallopt(parameter: number, value: number): void;
  trim(): void;
}

/**
 * Keeps allocators from holding on to what this process no longer uses. Blocks of events come and go between pages of
 * state that stay, and what they leave is too scattered for glibc to give it back by itself: measured, a worker with a
 * million hosts keeps 200 to 300 MB so. The LZ4 package brings an allocator of its own (mimalloc), which kept another
 * 120 MB.
 *
 * Does nothing about the C library where that is not glibc. To be called once, before anything is uncompressed.
 */
export async function tameAllocator(): Promise<void> {
  // Read when that package is loaded. At once: a delay is looked at only when that thread allocates again.
  process.env['MIMALLOC_PURGE_DELAY'] ??= '0';
  const malloc = await loadMalloc();
  if (!malloc) return;
  malloc.mallopt(M_ARENA_MAX, 2);
  let lowest = heldBytes();
  setInterval(() => {
    const held = heldBytes();
    lowest = Math.min(lowest, held);
    if (held - lowest < MOST_GROWTH_BYTES) return;
    malloc.trim();
    lowest = heldBytes();
  }, LOOK_MS).unref();
}

/** What is resident beside what JavaScript uses: the allocator's own, and code. */
function heldBytes(): number {
  const { rss, heapTotal, external } = process.memoryUsage();
  return rss - heapTotal - external;
}

async function loadMalloc(): Promise<Malloc | undefined> {
  if (process.platform !== 'linux') return undefined;
  // Only here: most commands end at once.
  const { open, load, DataType } = await import('ffi-rs');
  const call = (funcName: string, numbers: number[]): void => {
    load({
      library: 'libc',
      funcName,
      retType: DataType.I32,
      paramsType: numbers.map(() => DataType.I32),
      paramsValue: numbers,
    });
  };
  try {
    open({ library: 'libc', path: 'libc.so.6' });
  } catch {
    // musl has no such file, and no arenas either.
    return undefined;
  }
  return {
    mallopt: (parameter, value) => call('mallopt', [parameter, value]),
    trim: () => call('malloc_trim', [0]),
  };
}
