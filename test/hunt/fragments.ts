/**
 * Small executions with a verdict derived by hand from the definition (ECMAScript, Memory Model: happens-before,
 * races, data races). Each is a sequence of events in execution order:
 *
 *   A w32 0     agent A writes 4 bytes at 0, plainly          A W32 0     the same by Atomics.store
 *   A r16 2     reads 2 bytes at 2, plainly                   A R16 2     by Atomics.load
 *   A U32 0     an atomic read-modify-write                   A b8 0      a bulk (or DataView) write of 8 bytes
 *   A c8 0      a bulk read of 8 bytes                        A notify 0  B wait 0  B woken 0
 *   A send m    B recv m    a message, a start or a join
 *
 * Verdict: the pairs of events (counted from 1) that are data races; none means race-free.
 */

export interface Fragment {
  readonly name: string;
  readonly events: string;
  readonly races: readonly (readonly [number, number])[];
}

const fragment = (name: string, events: string, ...races: (readonly [number, number])[]): Fragment => ({
  name,
  events,
  races,
});

export const fragments: readonly Fragment[] = [
  // One agent: agent order orders everything, so nothing races.
  fragment("one agent, write then write", "A w32 0; A w32 0"),
  fragment("one agent, mixed sizes", "A w32 0; A r16 2; A w8 1"),
  fragment("one agent, atomic and plain", "A W32 0; A r32 0; A w32 0; A R32 0"),

  // Two agents, nothing between them: overlap + a write + unordered = race, unless both atomic over one range.
  fragment("plain write, plain read", "A w32 0; B r32 0", [1, 2]),
  fragment("plain read, plain write: order of execution is no order", "A r32 0; B w32 0", [1, 2]),
  fragment("plain write, plain write", "A w32 0; B w32 0", [1, 2]),
  fragment("plain read, plain read: no write", "A r32 0; B r32 0"),
  fragment("atomic write, atomic read", "A W32 0; B R32 0"),
  fragment("atomic read, atomic write: both sc over the same range", "A R32 0; B W32 0"),
  fragment("atomic write, atomic write", "A W32 0; B W32 0"),
  fragment("atomic write, plain read: not both atomic", "A W32 0; B r32 0", [1, 2]),
  fragment("plain write, atomic read: the writer does not release", "A w32 0; B R32 0", [1, 2]),
  fragment("plain read, atomic write", "A r32 0; B W32 0", [1, 2]),
  fragment("atomic write, plain write", "A W32 0; B w32 0", [1, 2]),
  fragment("plain write, atomic write", "A w32 0; B W32 0", [1, 2]),
  fragment("atomic read, plain read", "A R32 0; B r32 0"),
  fragment("atomic read, plain write", "A R32 0; B w32 0", [1, 2]),
  fragment("two updates", "A U32 0; B U32 0"),
  fragment("update, atomic read", "A U32 0; B R32 0"),
  fragment("update, plain read", "A U32 0; B r32 0", [1, 2]),
  fragment("plain write, update", "A w32 0; B U32 0", [1, 2]),
  fragment("update, atomic write", "A U32 0; B W32 0"),
  fragment("neighbours do not overlap", "A w32 0; B w32 4"),
  fragment("neighbouring bytes do not overlap", "A w8 0; B w8 1"),
  fragment("neighbouring halves do not overlap", "A w16 0; B r16 2"),

  // Mixed sizes: ranges that overlap but are not equal are never "both atomic over the same range".
  fragment("16 bits inside 32, plain", "A w32 0; B r16 0", [1, 2]),
  fragment("16 bits inside 32, both atomic", "A W32 0; B R16 0", [1, 2]),
  fragment("upper half inside 32, both atomic", "A W32 0; B R16 2", [1, 2]),
  fragment("32 read over a 16-bit atomic write", "A W16 2; B R32 0", [1, 2]),
  fragment(
    "two halves written, the word read: a race with each",
    "A W16 0; A W16 2; B R32 0",
    [1, 3],
    [2, 3],
  ),
  fragment("two atomic reads of different sizes: no write", "A R32 0; B R16 0"),
  fragment("update of a word, atomic read of its half", "A U32 0; B R16 2", [1, 2]),
  fragment("halves of one word, one each", "A W16 0; B W16 2"),
  fragment("bytes overlapping a half", "A W8 1; B W16 0", [1, 2]),
  fragment("byte beside a half", "A W8 2; B W16 0"),

  // Publish and look: data plain, flag atomic. The look that reads from the publish orders the data.
  fragment("message passing, flag seen", "A w32 0; A W32 8; B R32 8; B r32 0"),
  fragment(
    "message passing, looked too early: B's read comes before A's write in the execution but is unordered",
    "B R32 8; B r32 0; A w32 0; A W32 8",
    [2, 3],
  ),
  fragment("message passing, data read without the look", "A w32 0; A W32 8; B r32 0", [1, 3]),
  fragment("data written after the publish is not covered", "A W32 8; A w32 0; B R32 8; B r32 0", [2, 4]),
  fragment(
    "plain flag: the flag races, and covers nothing",
    "A w32 0; A w32 8; B r32 8; B r32 0",
    [2, 3],
    [1, 4],
  ),
  fragment("plain store of the flag", "A w32 0; A w32 8; B R32 8; B r32 0", [2, 3], [1, 4]),
  fragment("plain load of the flag", "A w32 0; A W32 8; B r32 8; B r32 0", [2, 3], [1, 4]),
  fragment("flag of another word", "A w32 0; A W32 8; B R32 12; B r32 0", [1, 4]),
  fragment(
    "flag published with one width, looked at with another: no synchronisation, and the flag races itself",
    "A w32 0; A W32 8; B R16 8; B r32 0",
    [2, 3],
    [1, 4],
  ),
  fragment("16-bit flag, as a ring index", "A w32 0; A W16 8; B R16 8; B r32 0"),
  fragment(
    "flag overwritten by the reader's own write before its look",
    "A w32 0; A W32 8; B W32 8; B R32 8; B r32 0",
    [1, 5],
  ),
  fragment(
    "flag overwritten by a third agent: B reads from C, who knew nothing",
    "A w32 0; A W32 8; C W32 8; B R32 8; B r32 0",
    [1, 5],
  ),
  fragment("chain through a third agent", "A w32 0; A W32 8; C R32 8; C W32 12; B R32 12; B r32 0"),
  fragment(
    "an update in between passes it on: it reads A and is read by B",
    "A w32 0; A W32 8; C U32 8; B R32 8; B r32 0",
  ),
  fragment("an update as the look", "A w32 0; A W32 8; B U32 8; B r32 0"),
  fragment("an update as the publish", "A w32 0; A U32 8; B R32 8; B r32 0"),
  fragment(
    "two producers, one look: only the last write's agent is known",
    "A w32 0; A W32 8; C w32 4; C W32 8; B R32 8; B r32 4; B r32 0",
    [1, 7],
  ),
  fragment(
    "two producers by updates: the second knows the first",
    "A w32 0; A U32 8; C w32 4; C U32 8; B R32 8; B r32 4; B r32 0",
  ),
  fragment(
    "the look covers everything before the publish, also other publishes",
    "A w32 0; A W32 8; A w32 4; A W32 12; B R32 12; B r32 0; B r32 4",
  ),
  fragment(
    "ping-pong: ownership goes and comes back",
    "A w32 0; A W32 8; B R32 8; B w32 0; B W32 12; A R32 12; A r32 0",
  ),
  fragment(
    "ping without pong: A reads back too early",
    "A w32 0; A W32 8; B R32 8; B w32 0; A r32 0",
    [4, 5],
  ),
  fragment(
    "reuse of a buffer without hearing that it was read",
    "A w32 0; A W32 8; B R32 8; B r32 0; A w32 0",
    [4, 5],
  ),
  fragment(
    "reuse of a buffer after hearing that it was read",
    "A w32 0; A W32 8; B R32 8; B r32 0; B W32 12; A R32 12; A w32 0",
  ),

  // Dekker's shape: both atomics; nothing plain to protect, nothing races, whatever is seen.
  fragment("store then load, both sides atomic", "A W32 0; B W32 4; A R32 4; B R32 0"),
  fragment("store then load with one plain store", "A w32 0; B W32 4; A R32 4; B R32 0", [1, 4]),
  fragment("store then load with one plain load", "A W32 0; B W32 4; A r32 4; B R32 0", [2, 3]),

  // Bulk accesses: a range, plain.
  fragment("bulk write, bulk read, published between", "A b16 0; A W32 32; B R32 32; B c16 0"),
  fragment("bulk write, bulk read, nothing between", "A b16 0; B c16 0", [1, 2]),
  fragment("bulk over an atomic word", "A W32 4; B c16 0", [1, 2]),
  fragment("bulk beside an atomic word", "A W32 16; B c16 0"),
  fragment("overlapping ends", "A b8 0; B b8 7", [1, 2]),
  fragment("touching ends", "A b8 0; B b8 8"),
  fragment("bulk reads only", "A c16 0; B c16 8"),

  // Wait and notify: critical sections of one waiter list, earlier before later.
  fragment(
    "notify orders what was before it before the wake-up",
    "B wait 8; A w32 0; A notify 8; B woken 8; B r32 0",
  ),
  fragment(
    "what comes after the notify is not ordered",
    "B wait 8; A notify 8; A w32 0; B woken 8; B r32 0",
    [3, 5],
  ),
  fragment(
    "what the waiter did before its wait is before the notifier's later steps",
    "B w32 0; B wait 8; A notify 8; A r32 0",
  ),
  fragment(
    "a notify that wakes nobody still is a critical section: a later wait comes after it",
    "A w32 0; A notify 8; B wait 8; B r32 0",
  ),
  fragment(
    "wait first, and the notifier has not come yet: nothing is known",
    "B wait 8; A w32 0; B r32 0; A notify 8",
    [2, 3],
  ),
  fragment(
    "lists of different words do not order",
    "B wait 8; A w32 0; A notify 12; B woken 8; B r32 0",
    [2, 5],
  ),
  fragment("two notifiers: the later one knows the earlier", "A w32 0; A notify 8; C notify 8; C r32 0"),
  fragment(
    "publish by atomic store, sleep and wake-up as in a doorbell",
    "B R32 8; B wait 8; A w32 0; A W32 8; A notify 8; B woken 8; B R32 8; B r32 0",
  ),
  fragment(
    "woken by somebody else: what A wrote is not known",
    "B wait 8; A w32 0; C notify 8; B woken 8; B r32 0",
    [2, 5],
  ),

  // Start, messages, join.
  fragment("what was before the start is known to the started", "A w32 0; A send m; B recv m; B r32 0"),
  fragment("what the starter does after the start is not", "A send m; A w32 0; B recv m; B r32 0", [2, 4]),
  fragment("join: the joiner knows all that was", "B w32 0; B send m; A recv m; A r32 0"),
  fragment("no join: it does not", "B w32 0; B send m; A r32 0", [1, 3]),
  fragment("message to C does not help B", "A w32 0; A send m; C recv m; B r32 0", [1, 4]),
  fragment("message passed on", "A w32 0; A send m; C recv m; C send n; B recv n; B r32 0"),

  // Rings: the shapes that virtqueues are made of.
  fragment(
    "avail publish: descriptor and entry plain, index atomic",
    "A w32 0; A w16 16; A W16 32; B R16 32; B r16 16; B r32 0",
  ),
  fragment(
    "index by two byte writes: each is a race with the load",
    "A w32 0; A w8 32; A w8 33; B R16 32; B r32 0",
    [2, 4],
    [3, 4],
    [1, 5],
  ),
  fragment("flags and index share a word: 16-bit atomics each", "A W16 32; B R16 32; A W16 34; B R16 34"),
  fragment("flags and index written as one 32-bit atomic", "A W32 32; B R16 34", [1, 2]),
  fragment(
    "used element read from the ring before the index was looked at",
    "B r32 64; A w32 64; A W16 32; B R16 32",
    [1, 2],
  ),
  fragment(
    "second batch read under the first look",
    "A w32 0; A W16 32; B R16 32; A w32 4; A W16 32; B r32 0; B r32 4",
    [4, 7],
  ),
];
