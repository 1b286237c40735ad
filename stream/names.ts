/** Numbers for texts, so that a row can refer to one. */
export class NameTable {
  private readonly ids = new Map<string, number>();
  private readonly texts: string[] = [];

  intern(text: string): number {
    let id = this.ids.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.texts.push(text);
      this.ids.set(text, id);
    }
    return id;
  }

  text(id: number): string {
    return this.texts[id] ?? '';
  }

  save(): string[] {
    return [...this.texts];
  }

  restore(texts: readonly string[]): void {
    this.ids.clear();
    this.texts.length = 0;
    for (const text of texts) this.intern(text);
  }
}
