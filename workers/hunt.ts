/** A controlled thread's entry. */
import { serveHunt } from "../src/hunt/worker.ts";

serveHunt();
