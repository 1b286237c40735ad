import type { SchemaObject } from '../schema/definitions.ts';

/** One numbered step of the schema. Its objects never change once released: their checksum is remembered. */
export interface Migration {
  readonly id: number;
  readonly name: string;
  /** Each is made by statements that may be run again after they took effect, so that a step cut short is done again. */
  readonly objects: readonly SchemaObject[];
}
