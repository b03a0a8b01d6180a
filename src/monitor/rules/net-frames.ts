/** Network devices: features, configuration, frames both ways [5.1.3, 5.1.4, 5.1.9.1-4]. */
import { FEATURE } from "../../wire/features.ts";
import {
  consistentNetFeatures,
  ETHERNET_HEADER_BYTES,
  NET_FEATURE as F,
  GSO,
  hasGuestGso,
  MTU_MIN,
  NET_HEADER_FLAG,
  VLAN_TAG_BYTES,
} from "../../wire/net.ts";
import { type Device, isAnotherCpus } from "../model.ts";
import type { Moments, Verdict } from "../moments.ts";
import {
  type Frame,
  hasMrg,
  headerBytes,
  isControl,
  isReceive,
  isRest,
  isTransmit,
  onNet,
  received,
  sent,
} from "./net-parts.ts";

const RSC_INFO = 4;
const KNOWN_FLAGS = NET_HEADER_FLAG.NEEDS_CSUM | NET_HEADER_FLAG.DATA_VALID | RSC_INFO;
/** The shortest Ethernet, IP and TCP headers. */
const TCP4_BYTES = 54;
const SMALL_BUFFER = 1524;
const GSO_BUFFER = 65_599;

const gsoOf = ({ header }: Frame): number => header.gsoType & ~GSO.ECN;
const frameMax = (mtu: number): number => mtu + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;

type Way = "tx" | "rx";
/** A rule about frames on their way out (as they become available) or in (as they come back). */
const onFrame = (id: string, way: Way, test: (found: Frame, device: Device) => Verdict) =>
  way === "tx"
    ? onNet(id, "available", (moment) => check(sent(moment), moment.device, test))
    : onNet(id, "used", (moment) => check(received(moment), moment.device, test));
const check = (found: Frame | undefined, device: Device, test: (found: Frame, device: Device) => Verdict) =>
  found && !isSwapped(found) && test(found, device);

/** Lengths that make no sense as they are, and would the other way round. */
const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const isSwapped = ({ header, bytes }: Frame): boolean =>
  (header.flags & NET_HEADER_FLAG.NEEDS_CSUM) !== 0 &&
  header.csumStart > bytes &&
  swap16(header.csumStart) < bytes &&
  swap16(header.csumOffset) < bytes;

const TYPES: readonly (readonly [gso: number, tx: number, rx: number])[] = [
  [GSO.TCPV4, F.HOST_TSO4, F.GUEST_TSO4],
  [GSO.TCPV6, F.HOST_TSO6, F.GUEST_TSO6],
  [GSO.UDP, F.HOST_UFO, F.GUEST_UFO],
];
const hasAny = (device: Device, way: Way): boolean =>
  (way === "tx" && device.has(F.GSO)) || TYPES.some(([, tx, rx]) => device.has(way === "tx" ? tx : rx));

/** The same statements hold for both directions, under two numbers. */
const bothWays = [
  {
    way: "tx",
    flags: "NET-DRV-14",
    type: "NET-DRV-15",
    ecn: "NET-DRV-16",
    sum: "NET-DRV-17",
    none: "NET-DRV-18",
    needs: "NET-DRV-19",
    hint: "NET-DRV-21",
  },
  {
    way: "rx",
    flags: "NET-DEV-20",
    type: "NET-DEV-21",
    ecn: "NET-DEV-22",
    sum: "NET-DEV-23",
    none: "NET-DEV-24",
    needs: "NET-DEV-25",
    hint: "NET-DEV-27",
  },
] as const;

const frameRules = bothWays.flatMap(({ way, flags, type, ecn, sum, none, needs, hint }) => [
  onFrame(flags, way, ({ header }, device) => {
    const mine = header.flags & (way === "tx" ? NET_HEADER_FLAG.NEEDS_CSUM : KNOWN_FLAGS);
    return !device.has(way === "tx" ? F.CSUM : F.GUEST_CSUM) && mine !== 0 && `header flags ${header.flags}`;
  }),
  onFrame(type, way, (found, device) => {
    const row = TYPES.find(([gso]) => gso === gsoOf(found));
    const allowed =
      row !== undefined &&
      (device.has(way === "tx" ? row[1] : row[2]) || (way === "tx" && device.has(F.GSO)));
    return hasAny(device, way) && gsoOf(found) !== GSO.NONE && !allowed && `gso_type ${found.header.gsoType}`;
  }),
  onFrame(ecn, way, ({ header }, device) => {
    const agreed = device.has(way === "tx" ? F.HOST_ECN : F.GUEST_ECN);
    return (header.gsoType & GSO.ECN) !== 0 && !agreed && "the ECN bit is set and was not agreed on";
  }),
  onFrame(sum, way, ({ header, bytes }) => {
    const end = header.csumStart + header.csumOffset + 2;
    return (
      (header.flags & NET_HEADER_FLAG.NEEDS_CSUM) !== 0 &&
      end > bytes &&
      `checksum at ${header.csumStart}+${header.csumOffset} in a frame of ${bytes} bytes`
    );
  }),
  onFrame(
    none,
    way,
    (found, device) =>
      !hasAny(device, way) && gsoOf(found) !== GSO.NONE && `gso_type ${found.header.gsoType}`,
  ),
  onFrame(needs, way, (found) => {
    const { header } = found;
    if (gsoOf(found) === GSO.NONE) return false;
    const bare = (header.flags & NET_HEADER_FLAG.NEEDS_CSUM) === 0 || header.gsoSize === 0;
    return bare && `gso_type ${header.gsoType} with flags ${header.flags} and gso_size ${header.gsoSize}`;
  }),
  onFrame(hint, way, (found) =>
    gsoOf(found) === GSO.TCPV4 && found.header.headerBytes < TCP4_BYTES
      ? `hdr_len ${found.header.headerBytes}`
      : undefined,
  ),
]);

const mtuOf = (device: Device): number | undefined =>
  device.has(F.MTU) ? device.configField(10, 2) : undefined;
const tooLong = (found: Frame, device: Device): Verdict => {
  const mtu = mtuOf(device);
  return (
    mtu !== undefined &&
    gsoOf(found) === GSO.NONE &&
    found.bytes > frameMax(mtu) &&
    `${found.bytes} bytes, the MTU is ${mtu}`
  );
};
const inconsistent = (features: number): number =>
  (features & ~consistentNetFeatures(features) & ~(1 << F.CTRL_RX_EXTRA)) >>> 0;
const extraAlone = (features: number): boolean =>
  ((features >>> F.CTRL_RX_EXTRA) & 1) === 1 && ((features >>> F.CTRL_VQ) & 1) === 0;
const mtuRead = ({ write, offset, width, value }: Moments["config"]): number | undefined =>
  !write && offset === 10 && width === 2 ? value : undefined;
/** A field of two bytes, when its second byte comes. */
function word({ device, write, offset, width, value }: Moments["config"], at: number): number | undefined {
  if (write) return undefined;
  if (offset === at && width === 2) return value;
  const low = device.configByte(at);
  return offset === at + 1 && width === 1 && low !== undefined ? (value << 8) | low : undefined;
}

export const netFrameRules = [
  ...frameRules,
  onNet("NET-DRV-01", "write", ({ name, value }) =>
    name === "guestFeatures" && inconsistent(value) !== 0
      ? `0x${inconsistent(value).toString(16)} lacks what it needs`
      : undefined,
  ),
  onNet("NET-DEV-01", "read", ({ name, value }) =>
    name === "hostFeatures" && inconsistent(value) !== 0
      ? `0x${inconsistent(value).toString(16)} lacks what it needs`
      : undefined,
  ),
  onNet("NET-DEV-11", "read", ({ name, value }) =>
    name === "hostFeatures" && extraAlone(value) ? "CTRL_RX_EXTRA is offered alone" : undefined,
  ),
  onNet("NET-DRV-11", "write", ({ name, value }) =>
    name === "guestFeatures" && extraAlone(value) ? "CTRL_RX_EXTRA is accepted alone" : undefined,
  ),
  onNet("NET-DEV-02", "config", (moment) => {
    const pairs = word(moment, 8);
    return (
      pairs !== undefined &&
      moment.device.offers(F.MQ) &&
      (pairs < 1 || pairs > 0x8000) &&
      `max_virtqueue_pairs ${pairs}`
    );
  }),
  onNet("NET-DEV-03", "config", (moment) => {
    const mtu = word(moment, 10);
    return mtu !== undefined && moment.device.offers(F.MTU) && mtu < MTU_MIN && `mtu ${mtu}`;
  }),
  onNet("NET-DEV-04", "config", (moment) => {
    const mtu = word(moment, 10);
    const first = moment.device.firstMtu;
    return mtu !== undefined && first !== undefined && mtu !== first && `mtu goes from ${first} to ${mtu}`;
  }),
  onNet("NET-BOTH-01", "config", (moment) => {
    const status = word(moment, 6);
    return (
      status !== undefined &&
      status > 3 &&
      swap16(status) <= 3 &&
      `status 0x${status.toString(16)} the wrong way round`
    );
  }),
  onNet("NET-DRV-41", "config", ({ write, offset, width }) =>
    write && offset + width > 6 ? `offset ${offset} of the configuration is written` : undefined,
  ),
  onNet("NET-DRV-03", "write", ({ name, value, device }) =>
    name === "guestFeatures" && device.offers(F.MAC) && ((value >>> F.MAC) & 1) === 0
      ? "MAC is not accepted"
      : undefined,
  ),
  onNet("NET-DRV-07", "write", ({ name, value, device }) =>
    name === "guestFeatures" && device.offers(F.MTU) && ((value >>> F.MTU) & 1) === 0
      ? "MTU is not accepted"
      : undefined,
  ),
  onNet("NET-DRV-06", "driverIdle", ({ device }) => {
    const due = device.session.configInterrupt;
    return (
      device.has(F.STATUS) &&
      due !== undefined &&
      !due.readBack.has(6) &&
      "status is not looked at after a configuration change"
    );
  }),
  onNet("NET-DRV-08", "available", ({ device, queue, chain }) => {
    const mtu = mtuOf(device);
    const room = chain.writableBytes - headerBytes(device);
    const small =
      mtu !== undefined && isReceive(device, queue) && !hasMrg(device) && room < mtu + ETHERNET_HEADER_BYTES;
    return small && `${room} bytes for a frame, the MTU is ${mtu}`;
  }),
  onNet("NET-DRV-24", "available", ({ device, queue, chain }) => {
    const bytes = chain.writableBytes;
    const least = hasGuestGso(device.features) ? GSO_BUFFER : SMALL_BUFFER;
    return (
      isReceive(device, queue) && !hasMrg(device) && bytes < least && `a receive buffer of ${bytes} bytes`
    );
  }),
  onNet("NET-DRV-25", "available", ({ device, queue, chain }) => {
    const bytes = chain.writableBytes;
    return (
      isReceive(device, queue) &&
      hasMrg(device) &&
      bytes < headerBytes(device) &&
      `a receive buffer of ${bytes} bytes`
    );
  }),
  onNet("NET-DRV-27", "driverIdle", ({ device, view }) => {
    if ((view.status & 4) === 0) return false;
    const empty = [...device.queues.values()].find(
      (queue) =>
        isReceive(device, queue) &&
        !isAnotherCpus(queue) &&
        queue.index < 2 * device.session.net.pairs &&
        queue.outstanding.size === 0,
    );
    return empty && `receive queue ${empty.index} is empty`;
  }),
  onFrame("NET-DRV-09", "tx", tooLong),
  onFrame("NET-DEV-05", "rx", tooLong),
  onNet("NET-DRV-12", "available", ({ device, queue, chain }) => {
    const bytes = chain.readableBytes;
    return (
      isTransmit(device, queue) &&
      bytes < headerBytes(device) &&
      `${bytes} bytes, the header has ${headerBytes(device)}`
    );
  }),
  onNet("NET-BOTH-03", "used", ({ device, queue, element, batch, at, peek }) => {
    const short =
      isReceive(device, queue) && !isRest(device, batch, at, peek) && element.length < headerBytes(device);
    return short && `${element.length} bytes, the header has ${headerBytes(device)}`;
  }),
  onFrame("NET-DRV-13", "tx", ({ buffers }) => buffers !== 0 && `num_buffers ${buffers}`),
  onFrame("NET-DRV-22", "tx", ({ header }) => {
    const wrong = header.flags & (NET_HEADER_FLAG.DATA_VALID | RSC_INFO);
    return wrong !== 0 && `header flags ${header.flags}`;
  }),
  onNet("NET-DRV-43", "available", ({ device, queue, chain }) => {
    if (
      device.has(FEATURE.ANY_LAYOUT) ||
      isControl(device, queue) ||
      (isReceive(device, queue) && hasMrg(device))
    )
      return false;
    const first = chain.segments[0]?.length ?? 0;
    const whole = chain.bytes >= headerBytes(device);
    return whole && first !== headerBytes(device) && `the first descriptor has ${first} bytes`;
  }),
  onNet("NET-BOTH-02", "available", (moment) => {
    const found = sent(moment);
    return (
      found && isSwapped(found) && `csum_start ${found.header.csumStart} in a frame of ${found.bytes} bytes`
    );
  }),
  onNet("NET-BOTH-02", "used", (moment) => {
    const found = received(moment);
    return (
      found && isSwapped(found) && `csum_start ${found.header.csumStart} in a frame of ${found.bytes} bytes`
    );
  }),
  onNet("NET-DEV-17", "used", (moment) => {
    const found = hasMrg(moment.device) ? received(moment) : undefined;
    return found?.buffers === 0 && "num_buffers is 0";
  }),
  onNet("NET-DEV-19", "used", (moment) => {
    const found = hasMrg(moment.device) ? received(moment) : undefined;
    const there = moment.batch.length - moment.at;
    return found && found.buffers > there && `num_buffers ${found.buffers}, ${there} are there`;
  }),
  onNet("NET-DEV-18", "used", (moment) => {
    const found = hasMrg(moment.device) ? received(moment) : undefined;
    if (found === undefined || found.buffers < 2 || found.buffers > moment.batch.length - moment.at)
      return false;
    const parts = moment.batch.slice(moment.at, moment.at + found.buffers - 1);
    const slack = parts.find(({ chain, length }) => chain !== undefined && length < chain.writableBytes);
    return slack && `head ${slack.id} has room left`;
  }),
];

/** Not rules. */
export const netFrameNotes = [
  onNet("", "config", (moment) => {
    const mtu = mtuRead(moment) ?? word(moment, 10);
    if (mtu !== undefined && moment.device.offers(F.MTU)) moment.device.firstMtu ??= mtu;
  }),
];
