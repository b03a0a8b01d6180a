/** virtio-balloon's options. */
import { defineDevice, UsageError } from "../../host/index.ts";
import { VIRTIO_TYPE } from "../../wire/virtio-ids.ts";
import { parsePages } from "./arguments.ts";
import { BalloonModel } from "./model.ts";

export default defineDevice({
  name: "balloon",
  virtioId: VIRTIO_TYPE.balloon.id,
  summary: "memory balloon: takes pages from the guest and gives them back",
  options: {
    target: { type: "size", help: "memory that it takes from the start", default: 0 },
    "must-tell-host": {
      type: "boolean",
      help: "the guest waits for an answer before it uses a returned page",
      default: false,
    },
    "deflate-on-oom": {
      type: "boolean",
      help: "the guest may take pages back when it runs out of memory",
      default: false,
    },
    "stats-interval": {
      type: "number",
      help: "seconds between requests for statistics; 0: only when asked",
      default: 0,
    },
  },
  create(options, platform) {
    const seconds = Number(options["stats-interval"] ?? 0);
    if (!(seconds >= 0 && seconds <= 86_400)) {
      throw new UsageError(`balloon: expected stats-interval from 0 to 86400 seconds, found ${seconds}`);
    }
    return new BalloonModel(
      {
        targetPages: parsePages("balloon: target", Number(options.target ?? 0)),
        mustTellHost: options["must-tell-host"] === true,
        deflateOnOom: options["deflate-on-oom"] === true,
        statsMs: seconds * 1000,
      },
      platform,
    );
  },
});
