import { nameKey } from '../model/key-hash.ts';
import type { DeviceOutput, Devices } from './devices.ts';
import type { EventColumnsView } from './event-columns-view.ts';
import type { Series } from './series.ts';

/** Slots of a block's devices and series: texts are hashed once a block, not once a row. */
export class SlotCache {
  private readonly tables: { readonly devices: Devices; readonly series: Series };
  private readonly columns: EventColumnsView;
  private readonly deviceSlots = new Map<number, number>();
  private readonly seriesSlots = new Map<number, number>();

  constructor(tables: { readonly devices: Devices; readonly series: Series }, columns: EventColumnsView) {
    this.tables = tables;
    this.columns = columns;
  }

  device(row: number, pane: number, output: DeviceOutput): number {
    const { device, source } = this.columns;
    const entry = device.index[row]!;
    let slot = this.deviceSlots.get(entry);
    if (slot === undefined) {
      const name = device.values[entry]!;
      const parent = sourceName(source.values[source.index[row]!]!);
      slot = this.tables.devices.slotOf(nameKey(name), { device: name, parent, pane }, output);
      this.deviceSlots.set(entry, slot);
    }
    return slot;
  }

  series(row: number): number {
    const { device, metric, unit } = this.columns;
    const entry = device.index[row]! * 65_536 + metric.index[row]!;
    let slot = this.seriesSlots.get(entry);
    if (slot === undefined) {
      const context = {
        device: device.values[device.index[row]!]!,
        metric: metric.values[metric.index[row]!]!,
        unit: unit.values[unit.index[row]!]!,
      };
      slot = this.tables.series.slotOf(nameKey(context.device, context.metric), context);
      this.seriesSlots.set(entry, slot);
    }
    return slot;
  }
}

/** A source's name without its incarnation. */
export function sourceName(id: string): string {
  const mark = id.indexOf('#');
  return mark < 0 ? id : id.slice(0, mark);
}
