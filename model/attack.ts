/** A MITRE ATT&CK technique with one tactic that it serves. */
interface AttackTechnique {
  readonly uid: string;
  readonly name: string;
  readonly tactic: string;
  readonly tacticUid: string;
}

/** The release that names and tactics here are spelt by, of both matrices, Enterprise and ICS. */
export const ATTACK_VERSION = '17.1';

const IMPACT = { tactic: 'Impact', tacticUid: 'TA0040' } as const;
const EXFILTRATION = { tactic: 'Exfiltration', tacticUid: 'TA0010' } as const;
const ICS_IMPACT = { tactic: 'Impact', tacticUid: 'TA0105' } as const;
const ICS_INHIBIT_RESPONSE = { tactic: 'Inhibit Response Function', tacticUid: 'TA0107' } as const;
const ICS_IMPAIR_CONTROL = { tactic: 'Impair Process Control', tacticUid: 'TA0106' } as const;

/**
 * The techniques that detectors point at. A technique of several tactics stands with the one that an alert is about
 * (T0856 is Evasion as well). Source: https://attack.mitre.org, release {@link ATTACK_VERSION}.
 */
export const ATTACK = {
  networkDenialOfService: { uid: 'T1498', name: 'Network Denial of Service', ...IMPACT },
  directNetworkFlood: { uid: 'T1498.001', name: 'Direct Network Flood', ...IMPACT },
  reflectionAmplification: { uid: 'T1498.002', name: 'Reflection Amplification', ...IMPACT },
  endpointDenialOfService: { uid: 'T1499', name: 'Endpoint Denial of Service', ...IMPACT },
  osExhaustionFlood: { uid: 'T1499.001', name: 'OS Exhaustion Flood', ...IMPACT },
  serviceExhaustionFlood: { uid: 'T1499.002', name: 'Service Exhaustion Flood', ...IMPACT },

  automatedExfiltration: { uid: 'T1020', name: 'Automated Exfiltration', ...EXFILTRATION },
  dataTransferSizeLimits: { uid: 'T1030', name: 'Data Transfer Size Limits', ...EXFILTRATION },
  exfiltrationOverC2: { uid: 'T1041', name: 'Exfiltration Over C2 Channel', ...EXFILTRATION },
  exfiltrationOverAlternativeProtocol: {
    uid: 'T1048',
    name: 'Exfiltration Over Alternative Protocol',
    ...EXFILTRATION,
  },
  exfiltrationOverWebService: { uid: 'T1567', name: 'Exfiltration Over Web Service', ...EXFILTRATION },

  dataManipulation: { uid: 'T1565', name: 'Data Manipulation', ...IMPACT },
  transmittedDataManipulation: { uid: 'T1565.002', name: 'Transmitted Data Manipulation', ...IMPACT },

  icsBlockReportingMessage: { uid: 'T0804', name: 'Block Reporting Message', ...ICS_INHIBIT_RESPONSE },
  icsDenialOfService: { uid: 'T0814', name: 'Denial of Service', ...ICS_INHIBIT_RESPONSE },
  icsDenialOfView: { uid: 'T0815', name: 'Denial of View', ...ICS_IMPACT },
  icsLossOfAvailability: { uid: 'T0826', name: 'Loss of Availability', ...ICS_IMPACT },
  icsLossOfControl: { uid: 'T0827', name: 'Loss of Control', ...ICS_IMPACT },
  icsLossOfView: { uid: 'T0829', name: 'Loss of View', ...ICS_IMPACT },
  icsManipulationOfView: { uid: 'T0832', name: 'Manipulation of View', ...ICS_IMPACT },
  icsSpoofReportingMessage: { uid: 'T0856', name: 'Spoof Reporting Message', ...ICS_IMPAIR_CONTROL },
} as const satisfies Readonly<Record<string, AttackTechnique>>;
