/** The bus of a guest whose machine is QEMU: ports and memory-mapped registers as qtest commands. */
import type { PortBus, Width } from "../../bus/port-bus.ts";
import { CONFIG_ADDRESS_PORT } from "../../wire/pci.ts";
import type { QtestChannel } from "./qtest-channel.ts";

const LETTER = { 1: "b", 2: "w", 4: "l" } as const satisfies Record<Width, string>;
const VALUE_MASK = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff } as const satisfies Record<Width, number>;
const LAST_PORT = 0xffff;

export class QtestBus implements PortBus {
  readonly #channel: QtestChannel;

  constructor(channel: QtestChannel) {
    this.#channel = channel;
  }

  in(port: number, width: Width): number {
    return this.#channel.askNumber(`in${LETTER[width]} ${checked(port)}`);
  }

  out(port: number, width: Width, value: number): void {
    const command = `out${LETTER[width]} ${checked(port)} ${unsigned(value, width)}`;
    // Configuration writes are not posted on PCI: whatever they move has moved when they return.
    if ((port & 0xfff8) === CONFIG_ADDRESS_PORT) this.#channel.ask(command);
    else this.#channel.post(command);
  }

  mmioRead(address: number, width: Width): number {
    return this.#channel.askNumber(`read${LETTER[width]} ${address}`);
  }

  mmioWrite(address: number, width: Width, value: number): void {
    this.#channel.post(`write${LETTER[width]} ${address} ${unsigned(value, width)}`);
  }
}

const unsigned = (value: number, width: Width): number => (value & VALUE_MASK[width]) >>> 0;

/** QEMU aborts on a port that cannot be. */
function checked(port: number): number {
  if (!Number.isInteger(port) || port < 0 || port > LAST_PORT)
    throw new RangeError(`there is no port ${port}`);
  return port;
}
