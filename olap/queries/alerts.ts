import { z } from 'zod';
import { type NamedQuery, rowLimit } from './named-query.ts';

export const ALERT_QUERIES: readonly NamedQuery[] = [
  {
    name: 'alert-evidence',
    title: 'Raw rows behind an alert',
    description:
      "Events of the alert's entity from its first to its last sighting: flows with the address at either end, or readings of the device (`device` or `device/metric`).",
    parameters: z.strictObject({ uid: z.string().min(1).max(128), limit: rowLimit }),
    sql: `WITH (SELECT (entity, first_seen, last_seen) FROM vedette.alerts WHERE uid = {uid:String}) AS alert
SELECT time, class, src, dst, dst_port, protocol, direction, conn_state, bytes_out, bytes_in, device, metric, value, unit,
  late, raw
FROM vedette.events
WHERE time >= tupleElement(alert, 2) AND time <= tupleElement(alert, 3) AND (
  src_ip = toIPv6OrZero(tupleElement(alert, 1)) AND src_ip != toIPv6('::')
  OR dst_ip = toIPv6OrZero(tupleElement(alert, 1)) AND dst_ip != toIPv6('::')
  OR device != '' AND (device = tupleElement(alert, 1) OR concat(device, '/', metric) = tupleElement(alert, 1)))
ORDER BY time, _src, _pos LIMIT {limit:UInt32}`,
  },
];
