/** One or two network devices with their real drivers, in one thread and stepped by the test. */
import type { NetBackend, NetPort, Packet } from "../../src/devices/net/backend.ts";
import { NetModel, type NetOptions } from "../../src/devices/net/model.ts";
import { net } from "../../src/drivers/net/net.ts";
import type { AddDeviceOptions } from "../../src/host/virtio-function.ts";
import { checksumAdd, checksumFold, putBe16, putBe32 } from "../../src/wire/inet.ts";
import { DirectMachine, type DirectMachineOptions } from "../support/direct-machine.ts";

export const NET_ID = 1;
export const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);

export type NicOptions = Partial<NetOptions> & {
  readonly device?: Partial<AddDeviceOptions>;
  readonly machine?: DirectMachineOptions;
};

/** A machine with one NIC on the back-end. */
export function bootNic(backend: NetBackend, { device, machine: options, ...model }: NicOptions = {}) {
  const machine = new DirectMachine(options);
  const { model: netModel, fn } = addNic(machine, backend, { ...model, device: device ?? {} });
  machine.guest.boot([net]);
  const [nic] = machine.guest.virtio.findAll(net);
  if (nic === undefined) throw new Error(`virtio_net did not bind: ${machine.log.join()}`);
  return { machine, nic, model: netModel, fn };
}

export function addNic(machine: DirectMachine, backend: NetBackend, { device, ...options }: NicOptions) {
  const model = new NetModel(backend, { mac: MAC, pairs: 1, ...options });
  const fn = machine.add({ model, virtioId: 1, queueSize: 16, msixVectors: 16, ...device });
  return { model, fn };
}

/** A back-end in the test's hands: keeps what was sent, delivers what it is told. */
export class FakeBackend implements NetBackend {
  readonly sent: Packet[] = [];
  takesOffloads = false;
  starts = 0;
  closed = false;
  /** What `send` returns: a promise holds the queue back. */
  answer: () => void | Promise<void> = () => {};
  #port: NetPort | undefined;

  get port(): NetPort {
    if (this.#port === undefined) throw new Error("not attached");
    return this.#port;
  }
  attach(port: NetPort): void {
    this.#port = port;
  }
  started(): void {
    this.starts++;
  }
  send({ frame, header }: Packet): void | Promise<void> {
    this.sent.push({ frame: frame.slice(), header });
    return this.answer();
  }
  close(): void {
    this.closed = true;
  }
}

/** A frame to `to` whose bytes tell it from others; by default to the driver itself. */
export function frameOf(length: number, seed = 0, to: Uint8Array = MAC): Uint8Array {
  const frame = Uint8Array.from({ length }, (_, index) => index * 7 + seed);
  frame.set(to.subarray(0, length), 0);
  if (length >= 14) frame.set([0x88, 0xb5], 12);
  return frame;
}

/** An Ethernet frame with IPv4 or IPv6 and TCP or UDP, its checksum field holding the pseudo-header's part. */
export function ipFrame(
  version: 4 | 6,
  protocol: 6 | 17,
  payload: Uint8Array,
  ports = [4000, 80],
): Uint8Array {
  const ip = 14;
  const transport = ip + (version === 4 ? 20 : 40);
  const head = protocol === 6 ? 20 : 8;
  const frame = new Uint8Array(transport + head + payload.length);
  const bytes = head + payload.length;
  frame.set(MAC, 0);
  frame.set([2, 0, 0, 0, 0, 9], 6);
  if (version === 4) {
    frame.set([0x08, 0x00, 0x45, 0], 12);
    putBe16(frame, ip + 2, 20 + bytes);
    putBe16(frame, ip + 4, 0x77);
    frame.set([64, protocol, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2], ip + 8);
    putBe16(frame, ip + 10, ~checksumFold(checksumAdd(frame, ip, transport)) & 0xffff);
  } else {
    frame.set([0x86, 0xdd, 0x60, 0, 0, 0], 12);
    putBe16(frame, ip + 4, bytes);
    frame.set([protocol, 64], ip + 6);
    frame.set([0xfd, 0, 1], ip + 8);
    frame.set([0xfd, 0, 2], ip + 24);
  }
  putBe16(frame, transport, ports[0] ?? 0);
  putBe16(frame, transport + 2, ports[1] ?? 0);
  if (protocol === 6) {
    putBe32(frame, transport + 4, 1000);
    // Data offset 5; FIN, PSH, ACK.
    frame.set([0x50, 0x19, 0x20, 0], transport + 12);
  } else putBe16(frame, transport + 4, bytes);
  const addresses =
    version === 4 ? checksumAdd(frame, ip + 12, ip + 20) : checksumAdd(frame, ip + 8, ip + 40);
  putBe16(frame, transport + (protocol === 6 ? 16 : 6), checksumFold(addresses + protocol + bytes));
  frame.set(payload, transport + head);
  return frame;
}
