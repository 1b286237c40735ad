import type { DetectorSpec } from './detector.ts';

/** Says which slots a detector has: state that was written under another text is dropped, not misread. */
export function layoutOf({ name, state }: DetectorSpec<unknown>): string {
  const slots = typeof state.slots === 'number' ? state.slots : state.slots.join(' ');
  return `${name} ${state.version} ${slots}`;
}
