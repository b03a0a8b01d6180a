/** Any back-end, with what passes recorded: outbound what the driver sends, inbound what it is given. */
import type { NetBackend, NetPort } from "./backend.ts";
import type { CaptureWriter } from "./capture-writer.ts";

export function recorded(backend: NetBackend, writer: CaptureWriter): NetBackend {
  return {
    ...(backend.takesOffloads && { takesOffloads: true }),
    attach(port) {
      writer.onFailure = (message) => port.log(message);
      backend.attach(recordedPort(port, writer));
    },
    started: () => backend.started?.(),
    send(packet) {
      writer.record(packet.frame, "outbound");
      return backend.send(packet);
    },
    async close() {
      await backend.close?.();
      writer.close();
    },
    describe: () => ({
      ...backend.describe?.(),
      recorded: writer.frames,
      notRecorded: writer.lost,
    }),
  };
}

/** A frame is recorded when the driver has it, and before anything that it answers. */
function recordedPort(port: NetPort, writer: CaptureWriter): NetPort {
  return {
    get name() {
      return port.name;
    },
    frameBytesMax: port.frameBytesMax,
    deliver(packet) {
      const waits = port.deliver(packet);
      if (waits === undefined) writer.record(packet.frame, "inbound");
      else return waits.then(() => writer.record(packet.frame, "inbound"));
      return undefined;
    },
    offer(packet) {
      const taken = port.offer(packet);
      if (taken) writer.record(packet.frame, "inbound");
      return taken;
    },
    setCarrier: (up) => port.setCarrier(up),
    dropped: (reason, frames) => port.dropped(reason, frames),
    log: (message) => port.log(message),
  };
}
