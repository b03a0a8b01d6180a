/** What mailbox-host.thread.ts and its tests agree on: words of the control page's spare part, and a port. */

/** Writes served. */
export const SERVED = 0;
/** Set when a kick ran before the write that was posted ahead of it was served. */
export const OVERTAKEN = 1;
/** From here on, per queue: how often it was run. */
export const RUNS = 16;
/** A write of a queue's number here is posted ahead of each kick of that queue. */
export const BEFORE_KICK_PORT = 0xe800;
export const QUEUES = 8;
