/** What the shell sees. */
export const EXIT = {
  fine: 0,
  /** Something was found: a violation, a stall, data that differ. */
  finding: 1,
  usage: 2,
  /** A failure of our own, or a guest program that threw. */
  failure: 3,
  /* Signals, as a shell counts them. */
  hungUp: 129,
  interrupted: 130,
  readerGone: 141,
  terminated: 143,
} as const;
