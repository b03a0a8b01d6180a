/** Network devices: control commands, filters, queue pairs [5.1.9.5]. */
import { FEATURE } from "../../wire/features.ts";
import { CTRL_ERR, CTRL_OK, NET_FEATURE as F, MAC_BYTES, NET_STATUS, VLAN_IDS } from "../../wire/net.ts";
import type { Device } from "../model.ts";
import type { Moments, Verdict } from "../moments.ts";
import { getU16, getU32 } from "../peek.ts";
import {
  afterCommands,
  type Command,
  CTRL,
  command,
  isCommand,
  isCommanding,
  isControl,
  isReceive,
  isTransmit,
  onNet,
  received,
} from "./net-parts.ts";

const OFFLOADS = { id: 5, SET: 0 };
const VLAN_TYPE = [0x81, 0x00];

/** A rule about commands as the driver sends them. */
const onCommand = (id: string, test: (found: Command, moment: Moments["available"]) => Verdict) =>
  onNet(id, "available", (moment) => {
    if (!isControl(moment.device, moment.queue)) return undefined;
    const found = command(moment.chain, moment.peek);
    return found && test(found, moment);
  });

/** A rule about commands as they come back, with the answer. */
const onAnswer = (id: string, test: (found: Command, ack: number, moment: Moments["used"]) => Verdict) =>
  onNet(id, "used", (moment) => {
    const { chain } = moment.element;
    if (!isControl(moment.device, moment.queue) || chain === undefined) return undefined;
    const found = command(chain, moment.peek);
    const [ack = 0xff] = moment.peek.bytes(chain.writable, 0, 1);
    return found && test(found, ack, moment);
  });

const EXTRA = [CTRL.RX.ALLUNI, CTRL.RX.NOMULTI, CTRL.RX.NOUNI, CTRL.RX.NOBCAST] as readonly number[];
const BASIC = [CTRL.RX.PROMISC, CTRL.RX.ALLMULTI] as readonly number[];
const oneByte = ({ data }: Command): boolean => data.length === 1;

const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const swap32 = (value: number): number => ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0;

/** Whether the data are two MAC tables, their counts taken as given or the other way round. */
function isMacTable(data: Uint8Array, order: (count: number) => number): boolean {
  const unicast = data.length < 4 ? -1 : order(getU32(data, 0));
  const second = 4 + MAC_BYTES * unicast;
  if (unicast < 0 || second + 4 > data.length) return false;
  return second + 4 + MAC_BYTES * order(getU32(data, second)) === data.length;
}
const asGiven = (count: number): number => count;

const pairsMax = (device: Device): number => (device.has(F.MQ) ? (device.configField(8, 2) ?? 1) : 1);
const pairsOf = ({ data }: Command): number => (data.length < 2 ? -1 : getU16(data, 0));
const pairsSwapped = (found: Command, device: Device): boolean =>
  pairsOf(found) > pairsMax(device) &&
  swap16(pairsOf(found)) >= 1 &&
  swap16(pairsOf(found)) <= pairsMax(device);
const isPairs = (found: Command): boolean => isCommand(found, CTRL.MQ, CTRL.MQ.VQ_PAIRS_SET);
const vlanOf = ({ data }: Command): number => (data.length < 2 ? -1 : getU16(data, 0));

export const netControlRules = [
  onNet("NET-DRV-29", "available", ({ device, queue, chain }) => {
    const shape = chain.readableBytes >= 2 && chain.writableBytes >= 1;
    return (
      isControl(device, queue) &&
      !shape &&
      `head ${chain.head} has ${chain.readableBytes} readable and ${chain.writableBytes} writable bytes`
    );
  }),
  onAnswer("NET-DEV-31", (_, ack) => ack !== CTRL_OK && ack !== CTRL_ERR && `the answer is ${ack}`),
  onAnswer("NET-DEV-32", (found, ack, { device }) =>
    isCommand(found, CTRL.RX) &&
    BASIC.includes(found.command) &&
    oneByte(found) &&
    device.has(F.CTRL_RX) &&
    ack === CTRL_ERR
      ? `receive mode ${found.command} is refused`
      : undefined,
  ),
  onAnswer("NET-DEV-33", (found, ack, { device }) =>
    isCommand(found, CTRL.RX) &&
    EXTRA.includes(found.command) &&
    oneByte(found) &&
    device.has(F.CTRL_RX_EXTRA) &&
    ack === CTRL_ERR
      ? `receive mode ${found.command} is refused`
      : undefined,
  ),
  onCommand("NET-DRV-30", (found, { device }) => {
    if (!isCommand(found, CTRL.RX)) return false;
    const agreed = BASIC.includes(found.command) ? device.has(F.CTRL_RX) : device.has(F.CTRL_RX_EXTRA);
    return !agreed && `receive mode ${found.command} was not agreed on`;
  }),
  onCommand("NET-DRV-31", (found, { device }) => {
    if (!isCommand(found, CTRL.MAC)) return false;
    const agreed = found.command === CTRL.MAC.ADDR_SET ? device.has(F.CTRL_MAC_ADDR) : device.has(F.CTRL_RX);
    return !agreed && `MAC command ${found.command} was not agreed on`;
  }),
  onCommand("NET-DRV-32", (found) =>
    isCommand(found, CTRL.MAC, CTRL.MAC.TABLE_SET) &&
    !isMacTable(found.data, asGiven) &&
    !isMacTable(found.data, swap32)
      ? `a MAC table of ${found.data.length} bytes does not add up`
      : undefined,
  ),
  onCommand("NET-BOTH-04", (found) =>
    isCommand(found, CTRL.MAC, CTRL.MAC.TABLE_SET) &&
    !isMacTable(found.data, asGiven) &&
    isMacTable(found.data, swap32)
      ? "the counts of a MAC table have their bytes the wrong way round"
      : undefined,
  ),
  onCommand("NET-BOTH-05", (found) =>
    isCommand(found, CTRL.VLAN) && vlanOf(found) >= VLAN_IDS && swap16(vlanOf(found)) < VLAN_IDS
      ? `VLAN ${vlanOf(found)} is ${swap16(vlanOf(found))} the wrong way round`
      : undefined,
  ),
  onCommand("NET-BOTH-06", (found, { device }) =>
    isPairs(found) && pairsSwapped(found, device)
      ? `${pairsOf(found)} pairs are ${swap16(pairsOf(found))} the wrong way round`
      : undefined,
  ),
  onCommand("NET-DRV-35", (found, { device }) => {
    const bad = pairsOf(found) < 1 || pairsOf(found) > pairsMax(device);
    return (
      isPairs(found) &&
      bad &&
      !pairsSwapped(found, device) &&
      `${pairsOf(found)} pairs of ${pairsMax(device)}`
    );
  }),
  onCommand("NET-DRV-34", (found, { device }) => {
    if (!isPairs(found) || pairsOf(found) > pairsMax(device)) return false;
    for (let index = 0; index < 2 * pairsOf(found); index++) {
      if (!device.queues.has(index)) return `${pairsOf(found)} pairs, but queue ${index} is not set up`;
    }
    return false;
  }),
  onNet("NET-DRV-36", "available", ({ device, queue }) =>
    isTransmit(device, queue) && queue.index >= 2 * device.session.net.pairs && queue.settled
      ? `queue ${queue.index} transmits with ${device.session.net.pairs} pairs in use`
      : undefined,
  ),
  onNet("NET-DEV-42", "used", ({ device, queue }) =>
    isReceive(device, queue) && queue.index >= 2 * device.session.net.pairs && afterCommands(device, queue)
      ? `queue ${queue.index} receives with ${device.session.net.pairs} pairs in use`
      : undefined,
  ),
  onNet("NET-DRV-33", "driverIdle", ({ device }) =>
    device.has(F.GUEST_ANNOUNCE) && device.session.net.announceSeen && !device.session.net.announceAcked
      ? "an announce request is not answered"
      : undefined,
  ),
  onNet("NET-DEV-41", "config", ({ device, write, offset, value }) =>
    // The next announcement is seen at the device's side only.
    device.watched.includes("device") &&
    !write &&
    offset === 6 &&
    (value & NET_STATUS.ANNOUNCE) !== 0 &&
    device.session.net.announceDone &&
    !device.announcedSince(6)
      ? "the announce bit is set although it was acknowledged"
      : undefined,
  ),
  onNet("NET-DEV-37", "config", ({ device, write, offset, width, value }) => {
    const mac = device.session.net.macSet;
    if (write || mac === undefined || offset >= MAC_BYTES || width !== 1 || isCommanding(device))
      return false;
    return value !== mac[offset] && `byte ${offset} of mac reads ${value}, ${mac[offset]} was set`;
  }),
  onNet("NET-DEV-40", "used", (moment) => {
    const { device, queue } = moment;
    if (!device.has(F.CTRL_VLAN) || !afterCommands(device, queue)) return false;
    const start = received(moment)?.start;
    if (start === undefined || start.length < 16 || start[12] !== VLAN_TYPE[0] || start[13] !== VLAN_TYPE[1])
      return false;
    const id = (((start[14] ?? 0) << 8) | (start[15] ?? 0)) & 0xfff;
    return id !== 0 && !device.session.net.vlans.has(id) && `a frame of VLAN ${id}, which is not listed`;
  }),
  onCommand("NET-DRV-39", (found, { device }) => {
    if (!isCommand(found, OFFLOADS, OFFLOADS.SET) || found.data.length < 8 || offloadsSwapped(found))
      return false;
    const excess = getU32(found.data, 0) & ~device.features;
    return excess !== 0 && `offloads 0x${(excess >>> 0).toString(16)} were not accepted`;
  }),
  onCommand("NET-BOTH-07", (found) =>
    isCommand(found, OFFLOADS, OFFLOADS.SET) && offloadsSwapped(found)
      ? "the offloads word has its bytes the wrong way round"
      : undefined,
  ),
  onCommand("NET-DRV-44", (_, { chain, device }) => {
    if (device.has(FEATURE.ANY_LAYOUT)) return false;
    const [first, last] = [chain.segments[0]?.length, chain.segments.at(-1)?.length];
    return (
      (first !== 2 || last !== 1) &&
      `descriptors of ${chain.segments.map(({ length }) => length).join(", ")} bytes`
    );
  }),
];

/** The low half empty and something in the very last byte: offloads have numbers below 24. */
const offloadsSwapped = ({ data }: Command): boolean =>
  data.length === 8 && getU32(data, 0) === 0 && ((data[7] ?? 0) | (data[6] ?? 0) | (data[5] ?? 0)) !== 0;

/** Not rules: what the driver asked for and got. They come after the rules. */
export const netControlNotes = [
  onCommand("", (found, { device }) => {
    device.changes++;
    if (isCommand(found, CTRL.ANNOUNCE)) device.session.net.announceAcked = true;
  }),
  onAnswer("", (found, ack, { device }) => {
    const { net } = device.session;
    device.changes++;
    if (ack !== CTRL_OK) return;
    if (found.class === CTRL.MQ.id && found.command === CTRL.MQ.VQ_PAIRS_SET) net.pairs = pairsOf(found);
    else if (isCommand(found, CTRL.VLAN, CTRL.VLAN.ADD)) net.vlans.add(vlanOf(found));
    else if (isCommand(found, CTRL.VLAN, CTRL.VLAN.DEL)) net.vlans.delete(vlanOf(found));
    else if (isCommand(found, CTRL.MAC, CTRL.MAC.ADDR_SET)) net.macSet = found.data.slice(0, MAC_BYTES);
    else if (isCommand(found, CTRL.ANNOUNCE)) net.announceDone = true;
  }),
  onNet("", "config", ({ device, write, offset, value }) => {
    const { net } = device.session;
    if (write && offset < MAC_BYTES) net.macSet = undefined;
    if (write || offset !== 6) return;
    if ((value & NET_STATUS.ANNOUNCE) === 0) net.announceSeen = false;
    else if (!net.announceSeen || device.announcedSince(6)) {
      net.announceSeen = true;
      net.announceAcked = false;
      net.announceDone = false;
    }
  }),
];
