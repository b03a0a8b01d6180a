/** The entry of a thread of a litmus lecture that runs live. */
import { runShape } from "../src/hunt/litmus/live-thread.ts";

runShape();
