/** Words that interrupts.thread.ts and its test share. */
import { INTX_LINES } from "../../src/memory/plan.ts";

export const VECTORS = 256;
/** Vectors, then lines. */
export const SOURCES = VECTORS + INTX_LINES;
export const DONE = 0;
/** From here on, per source: counted up before each post. */
export const POSTED = 16;
