/** What the servers that run on the JVM have in common. */
export interface JvmOptions {
  /** Path of the `java` to run them with. */
  readonly java: string;
  /** Folder that holds a folder for each server. */
  readonly dir: string;
  /** Largest heap, as the JVM takes it: `512m`. */
  readonly heap?: string;
  /** `quick`: ready with a third less of processor time, slower under load for long; `full`: as in production. */
  readonly compiler: JvmCompiler;
}

export type JvmCompiler = 'quick' | 'full';

/** It takes 5 to 10 s on an idle machine; ten times that and more where others keep its processors busy. */
export const JVM_START_TIMEOUT_MS = 300_000;

export function compilerFlags(compiler: JvmCompiler): string[] {
  return compiler === 'quick' ? ['-XX:TieredStopAtLevel=1'] : [];
}
