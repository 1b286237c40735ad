import type { DetectorSpec } from './detector.ts';

/** Says which slots detectors have: state that was written under another text is dropped, not misread. */
export function layoutOf(detectors: readonly { readonly detector: DetectorSpec<unknown> }[]): string {
  return detectors
    .map(({ detector: { name, state } }) => {
      const slots = typeof state.slots === 'number' ? state.slots : state.slots.join(' ');
      return `${name} ${state.version} ${slots}`;
    })
    .join(', ');
}
