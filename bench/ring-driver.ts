/**
 * The driver's side of the ring bench. A class, as a driver is: what the engine knows of a function that there is once, and
 * of the one queue that it ever saw, would flatter the first ring of a process.
 */

import type { DriverQueue } from "../src/guest/virtqueue/driver-queue.ts";
import { ScatterList } from "../src/guest/virtqueue/scatter-list.ts";
import { Doorbell } from "../src/memory/doorbell.ts";
import type { SharedMemory } from "../src/memory/shared-memory.ts";
import { patience } from "./harness/patience.ts";
import { awaitFlag, BUFFER_STRIDE, bufferBytes, CONTROL, type RingShape } from "./ring.data.ts";

export class RingDriver {
  private readonly driver: DriverQueue<number>;
  /** Guest address of the first buffer. */
  private readonly buffers: number;
  private readonly control: SharedMemory;
  private readonly bell: Doorbell;
  private readonly shape: RingShape;
  private readonly outstanding: number;
  private readonly list = new ScatterList();
  /** Lengths that came back, added up, and wake-ups that found nothing. */
  checksum = 0;
  spurious = 0;

  constructor(driver: DriverQueue<number>, buffers: number, control: SharedMemory, shape: RingShape) {
    this.driver = driver;
    this.buffers = buffers;
    this.control = control;
    this.bell = new Doorbell(control, CONTROL.driverBell);
    this.shape = shape;
    const { size, segments, indirect } = shape;
    this.outstanding = Math.min(shape.outstanding, indirect ? size : Math.floor(size / segments));
  }

  begin(): void {
    this.checksum = 0;
    this.spurious = 0;
  }

  drive(count: number): void {
    if (this.outstanding === 1 && this.shape.wait === "poll") this.driveOne(count);
    else this.driveMany(count);
  }

  /** One out at a time. Nothing around it: a trip is as short as a dozen calls. */
  private driveOne(count: number): void {
    const driver = this.driver;
    let sum = 0;
    for (let number = 0; number < count; number++) {
      this.add(number, number + 1);
      driver.publish();
      for (let looks = 0; !driver.hasUsed && driver.broken === undefined; ) looks = patience(looks);
      if (driver.get() === undefined) throw new Error(driver.broken);
      sum += driver.lastLength;
    }
    this.checksum += sum;
  }

  private driveMany(count: number): void {
    const driver = this.driver;
    const { batch, wait } = this.shape;
    const outstanding = this.outstanding;
    for (let sent = 0, received = 0; received < count; ) {
      const most = Math.min(count, received + outstanding, sent + batch);
      this.add(sent, most);
      sent = Math.max(sent, most);
      if (wait === "sleep") driver.kick();
      else driver.publish();
      received += this.getAll(sent - received);
      if (driver.broken !== undefined) throw new Error(driver.broken);
      const room = sent < count && sent - received < outstanding;
      if (!room && received < count) this.wait();
    }
  }

  /** Buffers of these numbers. */
  private add(from: number, to: number): void {
    const { driver } = this;
    const mask = this.shape.buffers - 1;
    const simple = this.shape.segments === 1;
    for (let number = from; number < to; number++) {
      const buffer = number & mask;
      const address = this.buffers + BUFFER_STRIDE * buffer;
      const bytes = bufferBytes(buffer);
      const added = simple
        ? driver.addInbuf(address, bytes, number)
        : this.addSeveral(address, bytes, number);
      if (!added) throw new Error(`buffer ${number} did not fit`);
    }
  }

  private addSeveral(address: number, bytes: number, number: number): boolean {
    const list = this.list.clear();
    for (let segment = 1; segment < this.shape.segments; segment++) list.addReadable(address, 1);
    return this.driver.add(list.addWritable(address, bytes), number);
  }

  /** All that came back; does not look for more than are out. */
  private getAll(out: number): number {
    const driver = this.driver;
    let received = 0;
    let sum = 0;
    while (received < out && driver.get() !== undefined) {
      sum += driver.lastLength;
      received++;
    }
    this.checksum += sum;
    return received;
  }

  /** Returns when something may have come back. */
  private wait(): void {
    const driver = this.driver;
    if (this.shape.wait === "poll") {
      for (let looks = 0; !driver.hasUsed && driver.broken === undefined; ) looks = patience(looks);
    } else if (driver.enableCallbacks()) {
      awaitFlag(this.control, this.bell, CONTROL.interrupted, this.shape.spins);
      driver.disableCallbacks();
      if (!driver.hasUsed) this.spurious++;
    } else {
      driver.disableCallbacks();
    }
  }
}
