const WIDTH = 30;
const EVERY_MS = 100;

/** A bar on one line of a terminal; nothing elsewhere. */
export class ProgressBar {
  private readonly stream: NodeJS.WriteStream;
  private shownAt = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  show(done: number, total: number): void {
    const now = performance.now();
    if (!this.stream.isTTY || now - this.shownAt < EVERY_MS) return;
    this.shownAt = now;
    // Compressed files give more than their size: the bar stops short of full until it is over.
    const share = total === 0 ? 0 : Math.min(0.99, done / total);
    const filled = Math.round(share * WIDTH);
    const megabytes = (done / 1e6).toFixed(1);
    this.stream.write(
      `\r${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${Math.round(share * 100)} %  ${megabytes} MB`,
    );
  }

  /** Takes the bar away. */
  end(): void {
    if (this.shownAt > 0) this.stream.write('\r\u001b[K');
  }
}
