/**
 * Where sources are read on from after a restart. What is saved here was durable in the log before; what is read again
 * after a crash has the same positions, and is dropped as duplicate.
 */
export interface SourceStateStore {
  load(name: string): Promise<string | undefined>;
  /** Resolves once durable. */
  save(entries: readonly { readonly name: string; readonly state: string }[]): Promise<void>;
  close(): Promise<void>;
}
