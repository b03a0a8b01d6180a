/** A block device with the fake driver: requests as bytes in RAM, answers as status and data. */

import type { Disk } from "../../src/devices/blk/disk.ts";
import { blk } from "../../src/devices/blk/model.ts";
import { BLK_FEATURE } from "../../src/wire/blk.ts";
import { putU32, putU64 } from "../../src/wire/bytes.ts";
import { featureMask } from "../../src/wire/features.ts";
import { LEGACY } from "../../src/wire/legacy-registers.ts";
import { BUFFER_AT, hostRig, RING_AT } from "../support/host-rig.ts";

const HEADER_AT = BUFFER_AT;
const STATUS_AT = BUFFER_AT + 0x400;
const DATA_AT = BUFFER_AT + 0x1000;
/** What the status byte holds before the device writes it. */
export const UNTOUCHED = 0xee;

export interface FakeRequest {
  readonly type: number;
  readonly sector?: number;
  readonly data?: Uint8Array;
  readonly room?: number;
}

export function blkRig(disk: Disk, { flush = true, serial = "serial" } = {}) {
  const rig = hostRig({ model: blk(disk, { serial }), queueSize: 64 });
  const { driver } = rig;
  const bringUp = () => {
    driver.enable();
    driver.write(LEGACY.guestFeatures, flush ? featureMask(BLK_FEATURE.FLUSH) : 0);
    return driver.setUpQueue(0, RING_AT);
  };
  const ring = bringUp();
  let current = ring;
  /** A reset, and the same again: with a ring of its own. */
  const restart = (): void => {
    driver.write(LEGACY.status, 0);
    current = bringUp();
  };

  /** Offers request number `index` (0-15) in three descriptors: header, data, status. */
  const offer = (index: number, { type, sector = 0, data, room = 0 }: FakeRequest): void => {
    const header = new Uint8Array(16);
    putU32(header, 0, type);
    putU64(header, 8, sector);
    driver.put(HEADER_AT + 16 * index, header);
    driver.put(STATUS_AT + index, Uint8Array.of(UNTOUCHED));
    const dataAt = DATA_AT + 0x1000 * index;
    if (data !== undefined) driver.put(dataAt, data);
    current.offerChain(4 * index, [
      { address: HEADER_AT + 16 * index, length: 16 },
      ...(data === undefined ? [] : [{ address: dataAt, length: data.length }]),
      ...(room === 0 ? [] : [{ address: dataAt, length: room, write: true }]),
      { address: STATUS_AT + index, length: 1, write: true },
    ]);
  };
  const status = (index: number): number => driver.get(STATUS_AT + index, 1)[0] ?? -1;
  const data = (index: number, length: number): Uint8Array => driver.get(DATA_AT + 0x1000 * index, length);
  const kick = (): void => {
    driver.kick(0);
    rig.pollAll();
  };
  /** Lets the event loop turn until every outstanding back-end request has ended. */
  const settle = async (): Promise<void> => {
    while (rig.host.work.outstanding > 0) await new Promise(setImmediate);
  };
  /** One request from offer to answer. */
  const request = async (wanted: FakeRequest) => {
    offer(0, wanted);
    kick();
    await settle();
    const [used] = ring.takeUsed();
    return { status: status(0), used: used?.length, data: data(0, wanted.room ?? 0) };
  };
  return { ...rig, ring, restart, offer, kick, settle, status, data, request };
}
