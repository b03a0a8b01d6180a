/** The acceptance suite: our driver on our device. */
import { acceptBalloon } from "./accept-balloon.ts";
import { acceptBlk } from "./accept-blk.ts";
import { acceptConsole } from "./accept-console.ts";
import { acceptNet } from "./accept-net.ts";
import { acceptRng } from "./accept-rng.ts";
import { acceptSharedLine } from "./accept-shared-line.ts";
import { RING_CASES } from "./matrix.ts";
import { createOwnRig } from "./own-rig.ts";

for (const ring of RING_CASES) {
  acceptBlk(createOwnRig, ring);
  acceptRng(createOwnRig, ring);
  acceptNet(createOwnRig, ring);
  acceptConsole(createOwnRig, ring);
  acceptBalloon(createOwnRig, ring);
}
acceptSharedLine(createOwnRig);
