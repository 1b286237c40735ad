import type { Episode } from './alert.ts';

/** What to look at next, by the detector that found most; short, in the order of what it costs. */
const BY_DETECTOR: Readonly<Record<string, readonly string[]>> = {
  'flood-ceiling': [
    'Is the target still reachable, and is its service answering?',
    'Few sources or many? Few can be blocked at the edge; for many, ask the provider to filter.',
    'A backup, a scan of your own or a load test at this time?',
  ],
  'rate-cusum': [
    'Raised: which sources and ports brought the new flows? A release, a campaign or a crawler explains many rises.',
    'Fallen: does the service answer, and do the sensors before it still report?',
  ],
  'outbound-volume': [
    'Which destinations took the most, and does anyone know them?',
    'Who is logged in on the host, and which program holds the connections?',
    'A new backup, synchronisation or update service? Then close as benign.',
  ],
  'large-upload': [
    'Whose is the destination (name, network, country), and does anyone here use it?',
    'What was sent: look on the host, or in the proxy log of that minute.',
    'If nobody knows it: isolate the host before more goes out.',
  ],
  silence: [
    'Is the device powered and reachable? Ask the gateway or switch that it hangs on.',
    'Did other devices of the same site stop as well? Then look at what carries them.',
    'Planned maintenance? Then close as benign.',
  ],
  'reading-range': [
    'Compare with a neighbouring or redundant sensor at the same time.',
    'Is the process really in that state? If not, treat the readings as false and do not let control act on them.',
    'Who changed the device, its firmware or its calibration last?',
  ],
  'level-cusum': [
    'Did the process itself change (set point, load, season)? Compare related metrics of the device.',
    'Drift of the sensor: compare with a second one, check the calibration.',
    'If neither: who could write to the device or to the line between?',
  ],
};

const BY_FAMILY: Readonly<Record<Episode['family'], readonly string[]>> = {
  'denial-of-service': ['Is what the alert is about still reachable?', 'Was anything planned at this time?'],
  'data-loss': ['Where did the data go, and does anyone know the destination?', 'Was a transfer planned at this time?'],
  'data-corruption': ['Compare with a second sensor.', 'Did the process itself change at this time?'],
};

export function nextSteps(detector: string, family: Episode['family']): readonly string[] {
  return Object.hasOwn(BY_DETECTOR, detector) ? BY_DETECTOR[detector]! : BY_FAMILY[family];
}
