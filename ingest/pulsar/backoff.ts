const FIRST_MS = 100;
const LONGEST_MS = 5000;

/** Growing pauses between attempts, with jitter, so that many clients do not come back at the same moment. */
export class Backoff {
  private attempts = 0;

  /** The pause before the next attempt, ms. */
  next(): number {
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.attempts++);
    return longest / 2 + (Math.random() * longest) / 2;
  }

  reset(): void {
    this.attempts = 0;
  }
}
