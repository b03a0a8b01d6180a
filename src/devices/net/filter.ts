/**
 * Which received frames the driver wants: modes, MAC tables and VLANs as it set them over the control queue
 * [5.1.6.5]. A device begins, and is after reset, promiscuous: a driver without a control queue gets everything.
 */

import { vlanOf } from "../../wire/inet.ts";
import { MAC_BYTES, VLAN_IDS } from "../../wire/net.ts";

/** More addresses than this make the mode "all of them", as QEMU has it. */
export const MAC_TABLE_MAX = 64;

export interface RxModes {
  promiscuous: boolean;
  allMulticast: boolean;
  allUnicast: boolean;
  noMulticast: boolean;
  noUnicast: boolean;
  noBroadcast: boolean;
}

export class RxFilter {
  readonly modes: RxModes = initialModes();
  /** With VLAN filtering negotiated: frames of other VLANs stay out. */
  filtersVlans = false;
  readonly #vlans = new Uint8Array(VLAN_IDS);
  #unicast: readonly Uint8Array[] = [];
  #multicast: readonly Uint8Array[] = [];
  #unicastOverflow = false;
  #multicastOverflow = false;

  reset(): void {
    Object.assign(this.modes, initialModes());
    this.filtersVlans = false;
    this.#vlans.fill(0);
    this.setTables([], []);
  }

  setTables(unicast: readonly Uint8Array[], multicast: readonly Uint8Array[]): void {
    this.#unicastOverflow = unicast.length > MAC_TABLE_MAX;
    this.#multicastOverflow = multicast.length > MAC_TABLE_MAX;
    this.#unicast = unicast.slice(0, MAC_TABLE_MAX);
    this.#multicast = multicast.slice(0, MAC_TABLE_MAX);
  }

  setVlan(id: number, wanted: boolean): void {
    this.#vlans[id] = wanted ? 1 : 0;
  }

  /** Whether a frame is for the driver whose own address is `mac`. */
  wants(frame: Uint8Array, mac: Uint8Array): boolean {
    const { modes } = this;
    if (modes.promiscuous) return true;
    if (this.filtersVlans) {
      const vlan = vlanOf(frame);
      if (vlan !== undefined && this.#vlans[vlan] !== 1) return false;
    }
    if (isBroadcast(frame)) return !modes.noBroadcast;
    if (((frame[0] ?? 0) & 1) !== 0) {
      if (modes.noMulticast) return false;
      return modes.allMulticast || this.#multicastOverflow || isIn(this.#multicast, frame);
    }
    if (modes.noUnicast) return false;
    return modes.allUnicast || this.#unicastOverflow || isTo(frame, mac) || isIn(this.#unicast, frame);
  }

  describe() {
    return {
      ...this.modes,
      unicast: this.#unicast.length,
      multicast: this.#multicast.length,
      vlans: this.#vlans.reduce((sum, wanted) => sum + wanted, 0),
    };
  }
}

const initialModes = (): RxModes => ({
  promiscuous: true,
  allMulticast: false,
  allUnicast: false,
  noMulticast: false,
  noUnicast: false,
  noBroadcast: false,
});

function isBroadcast(frame: Uint8Array): boolean {
  for (let at = 0; at < MAC_BYTES; at++) if (frame[at] !== 0xff) return false;
  return true;
}
function isTo(frame: Uint8Array, mac: Uint8Array): boolean {
  for (let at = 0; at < MAC_BYTES; at++) if (frame[at] !== mac[at]) return false;
  return true;
}
const isIn = (table: readonly Uint8Array[], frame: Uint8Array): boolean =>
  table.some((mac) => isTo(frame, mac));
