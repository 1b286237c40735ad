/** One numbered step of the schema. Its statements never change once released: their checksum is remembered. */
export interface Migration {
  readonly id: number;
  readonly name: string;
  /**
   * `KEYSPACE` stands for the keyspace. Each may be run again after it took effect (IF NOT EXISTS), so that a step cut
   * short is done again.
   */
  readonly statements: readonly string[];
}
