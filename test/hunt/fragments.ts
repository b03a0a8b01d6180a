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
 * Verdict: the pairs of events (counted from 1) that are data races; none means race-free. The comment above each
 * derives it: which events overlap, which edge orders them (`<` is happens-before), hence race or not. Edges are agent
 * order, synchronises-with (an atomic read that reads from an atomic write over the same range; a later section of the
 * same waiter list; a message and its receipt), and nothing else.
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
  // 1 and 2 overlap and both write, but agent order puts 1 before 2: happens-before, no race.
  fragment("one agent, write then write", "A w32 0; A w32 0"),
  // 2 and 3 lie inside 1's bytes, whatever the widths; agent order orders 1 < 2 < 3.
  fragment("one agent, mixed sizes", "A w32 0; A r16 2; A w8 1"),
  // All four touch bytes 0-3 and some are plain; all are A's, so agent order orders each pair.
  fragment("one agent, atomic and plain", "A W32 0; A r32 0; A w32 0; A R32 0"),

  // Two agents, nothing between them: overlap + a write + unordered = race, unless both atomic over one range.
  // Bytes 0-3 overlap, 1 writes, no synchronises-with anywhere: neither is before the other; not both
  // atomic.
  fragment("plain write, plain read", "A w32 0; B r32 0", [1, 2]),
  // That 1 ran first orders nothing: there is no edge from A to B. Overlap, 2 writes, not atomic: a
  // race.
  fragment("plain read, plain write: order of execution is no order", "A r32 0; B w32 0", [1, 2]),
  // Overlap, both write, no edge, both plain: a race.
  fragment("plain write, plain write", "A w32 0; B w32 0", [1, 2]),
  // Overlap and no order, but a race needs at least one write.
  fragment("plain read, plain read: no write", "A r32 0; B r32 0"),
  // Overlap and a write, but both are SeqCst over the same range 0-3: not a data race.
  fragment("atomic write, atomic read", "A W32 0; B R32 0"),
  // 2 does not feed 1, so there is no edge; both are SeqCst over 0-3, so no data race all the same.
  fragment("atomic read, atomic write: both sc over the same range", "A R32 0; B W32 0"),
  // No edge between two writes; both SeqCst over 0-3: no data race.
  fragment("atomic write, atomic write", "A W32 0; B W32 0"),
  // 2 may read from 1, but only a SeqCst read synchronises; no order, 1 writes, 2 is plain: a race.
  fragment("atomic write, plain read: not both atomic", "A W32 0; B r32 0", [1, 2]),
  // 2 reads from 1, but a plain write synchronises with nothing; no order, 1 is plain: a race.
  fragment("plain write, atomic read: the writer does not release", "A w32 0; B R32 0", [1, 2]),
  // No edge leads from A's read to B's write; 2 writes, 1 is plain: a race.
  fragment("plain read, atomic write", "A r32 0; B W32 0", [1, 2]),
  // Both write, no edge, 2 is plain: a race.
  fragment("atomic write, plain write", "A W32 0; B w32 0", [1, 2]),
  // Both write, no edge, 1 is plain: a race.
  fragment("plain write, atomic write", "A w32 0; B W32 0", [1, 2]),
  // Neither writes: no race, ordered or not.
  fragment("atomic read, plain read", "A R32 0; B r32 0"),
  // No edge leads from a read to a write; 2 writes and is plain: a race.
  fragment("atomic read, plain write", "A R32 0; B w32 0", [1, 2]),
  // Both read and write 0-3, both SeqCst over the same range: no data race.
  fragment("two updates", "A U32 0; B U32 0"),
  // 1 writes, 2 reads, both SeqCst over 0-3: no data race.
  fragment("update, atomic read", "A U32 0; B R32 0"),
  // 1 writes, 2 is plain and so learns nothing from it: unordered, a race.
  fragment("update, plain read", "A U32 0; B r32 0", [1, 2]),
  // 2 reads from a plain write: no edge; 1 is plain: a race.
  fragment("plain write, update", "A w32 0; B U32 0", [1, 2]),
  // Both write, both SeqCst over 0-3: no data race.
  fragment("update, atomic write", "A U32 0; B W32 0"),
  // Bytes 0-3 and 4-7 have none in common.
  fragment("neighbours do not overlap", "A w32 0; B w32 4"),
  // Byte 0 and byte 1: in one word, but not in common.
  fragment("neighbouring bytes do not overlap", "A w8 0; B w8 1"),
  // Bytes 0-1 and 2-3 have none in common.
  fragment("neighbouring halves do not overlap", "A w16 0; B r16 2"),

  // Mixed sizes: ranges that overlap but are not equal are never "both atomic over the same range".
  // Bytes 0-1 are common, 1 writes, no edge, plain: a race.
  fragment("16 bits inside 32, plain", "A w32 0; B r16 0", [1, 2]),
  // Common bytes 0-1; 0-3 and 0-1 are different ranges, so being SeqCst excuses nothing and 2 takes no
  // edge from 1.
  fragment("16 bits inside 32, both atomic", "A W32 0; B R16 0", [1, 2]),
  // Common bytes 2-3; ranges 0-3 and 2-3 differ: no edge, no excuse.
  fragment("upper half inside 32, both atomic", "A W32 0; B R16 2", [1, 2]),
  // Common bytes 2-3; ranges 2-3 and 0-3 differ: no edge, no excuse.
  fragment("32 read over a 16-bit atomic write", "A W16 2; B R32 0", [1, 2]),
  // 3 overlaps 1 in 0-1 and 2 in 2-3, over a range equal to neither: no edge from either, a race with
  // each.
  fragment(
    "two halves written, the word read: a race with each",
    "A W16 0; A W16 2; B R32 0",
    [1, 3],
    [2, 3],
  ),
  // They overlap over different ranges, but neither writes.
  fragment("two atomic reads of different sizes: no write", "A R32 0; B R16 0"),
  // Common bytes 2-3, 1 writes, ranges differ: a race.
  fragment("update of a word, atomic read of its half", "A U32 0; B R16 2", [1, 2]),
  // Bytes 0-1 and 2-3: nothing in common, though the processor may move the whole word.
  fragment("halves of one word, one each", "A W16 0; B W16 2"),
  // Byte 1 is common; ranges 1 and 0-1 differ, both write: a race.
  fragment("bytes overlapping a half", "A W8 1; B W16 0", [1, 2]),
  // Byte 2 and bytes 0-1: nothing in common.
  fragment("byte beside a half", "A W8 2; B W16 0"),

  // Publish and look: data plain, flag atomic. The look that reads from the publish orders the data.
  // 3 reads from 2 over the same range: 2 synchronises with 3. 1 < 2 < 3 < 4 by that and agent order; 2
  // and 3 are both SeqCst.
  fragment("message passing, flag seen", "A w32 0; A W32 8; B R32 8; B r32 0"),
  // 1 reads the initial value, no edge. 2 and 3 overlap, 3 writes, both plain, no order: a race. 1 and 4
  // are both SeqCst over 8-11.
  fragment(
    "message passing, looked too early: B's read comes before A's write in the execution but is unordered",
    "B R32 8; B r32 0; A w32 0; A W32 8",
    [2, 3],
  ),
  // 2 is read by nobody, so nothing leads from A to B: 1 and 3 race.
  fragment("message passing, data read without the look", "A w32 0; A W32 8; B r32 0", [1, 3]),
  // 1 synchronises with 3 and so orders what came before 1; 2 comes after it: 2 and 4 race.
  fragment("data written after the publish is not covered", "A W32 8; A w32 0; B R32 8; B r32 0", [2, 4]),
  // 2 and 3 are plain and overlap: a race, and no edge; so 1 and 4 are unordered too.
  fragment(
    "plain flag: the flag races, and covers nothing",
    "A w32 0; A w32 8; B r32 8; B r32 0",
    [2, 3],
    [1, 4],
  ),
  // 3 reads from a plain write: no edge, and 2 is plain, a race; hence 1 and 4 race.
  fragment("plain store of the flag", "A w32 0; A w32 8; B R32 8; B r32 0", [2, 3], [1, 4]),
  // 3 is plain: it takes no edge from 2, and races it; hence 1 and 4 race.
  fragment("plain load of the flag", "A w32 0; A W32 8; B r32 8; B r32 0", [2, 3], [1, 4]),
  // 3 reads bytes 12-15, which nobody wrote: no edge. 2 and 3 do not overlap; 1 and 4 race.
  fragment("flag of another word", "A w32 0; A W32 8; B R32 12; B r32 0", [1, 4]),
  // 3 reads from 2 over a different range: no edge and no excuse, a race; hence 1 and 4 race.
  fragment(
    "flag published with one width, looked at with another: no synchronisation, and the flag races itself",
    "A w32 0; A W32 8; B R16 8; B r32 0",
    [2, 3],
    [1, 4],
  ),
  // Ranges 8-9 and 8-9 are equal: 2 synchronises with 3, so 1 < 2 < 3 < 4.
  fragment("16-bit flag, as a ring index", "A w32 0; A W16 8; B R16 8; B r32 0"),
  // 4 reads from 3, its own agent's write, and not from 2: nothing leads from A to B; 1 and 5 race.
  fragment(
    "flag overwritten by the reader's own write before its look",
    "A w32 0; A W32 8; B W32 8; B R32 8; B r32 0",
    [1, 5],
  ),
  // 4 reads from 3, so C's past is before B; A's is not, for a write is no look: 1 and 5 race.
  fragment(
    "flag overwritten by a third agent: B reads from C, who knew nothing",
    "A w32 0; A W32 8; C W32 8; B R32 8; B r32 0",
    [1, 5],
  ),
  // 2 synchronises with 3, 4 with 5: 1 < 2 < 3 < 4 < 5 < 6.
  fragment("chain through a third agent", "A w32 0; A W32 8; C R32 8; C W32 12; B R32 12; B r32 0"),
  // The update reads from 2 and is read by 4: 1 < 2 < 3 < 4 < 5.
  fragment(
    "an update in between passes it on: it reads A and is read by B",
    "A w32 0; A W32 8; C U32 8; B R32 8; B r32 0",
  ),
  // An update reads: 2 synchronises with 3, so 1 < 4.
  fragment("an update as the look", "A w32 0; A W32 8; B U32 8; B r32 0"),
  // An update writes: it synchronises with 3, so 1 < 4.
  fragment("an update as the publish", "A w32 0; A U32 8; B R32 8; B r32 0"),
  // 5 reads from 4: 3 < 4 < 5 < 6. 2 was overwritten unread, so nothing leads from A to B: 1 and 7 race.
  fragment(
    "two producers, one look: only the last write's agent is known",
    "A w32 0; A W32 8; C w32 4; C W32 8; B R32 8; B r32 4; B r32 0",
    [1, 7],
  ),
  // 4 reads from 2 and 5 from 4: 1 < 2 < 4 < 5 < 7 and 3 < 4 < 5 < 6.
  fragment(
    "two producers by updates: the second knows the first",
    "A w32 0; A U32 8; C w32 4; C U32 8; B R32 8; B r32 4; B r32 0",
  ),
  // 5 reads from 4; 1, 2, 3 are before 4 in agent order: all before 6 and 7.
  fragment(
    "the look covers everything before the publish, also other publishes",
    "A w32 0; A W32 8; A w32 4; A W32 12; B R32 12; B r32 0; B r32 4",
  ),
  // 1 < 2 < 3 < 4 by the first pair, 4 < 5 < 6 < 7 by the second.
  fragment(
    "ping-pong: ownership goes and comes back",
    "A w32 0; A W32 8; B R32 8; B w32 0; B W32 12; A R32 12; A r32 0",
  ),
  // 1 < 2 < 3 < 4, but nothing leads from B back to A: 4 and 5 race.
  fragment(
    "ping without pong: A reads back too early",
    "A w32 0; A W32 8; B R32 8; B w32 0; A r32 0",
    [4, 5],
  ),
  // 2 < 3 < 4 leads to B only; 5 writes what 4 reads, unordered: a race. 1 and 5 are one agent's.
  fragment(
    "reuse of a buffer without hearing that it was read",
    "A w32 0; A W32 8; B R32 8; B r32 0; A w32 0",
    [4, 5],
  ),
  // 4 < 5 < 6 < 7 by the second pair: the write comes after the read.
  fragment(
    "reuse of a buffer after hearing that it was read",
    "A w32 0; A W32 8; B R32 8; B r32 0; B W32 12; A R32 12; A w32 0",
  ),

  // Dekker's shape: both atomics; nothing plain to protect, nothing races, whatever is seen.
  // 1 and 4 are SeqCst over 0-3, 2 and 3 over 4-7; nothing else is touched.
  fragment("store then load, both sides atomic", "A W32 0; B W32 4; A R32 4; B R32 0"),
  // 1 and 4 overlap, 1 is plain and nobody's edge orders it; 2 and 3 are both SeqCst.
  fragment("store then load with one plain store", "A w32 0; B W32 4; A R32 4; B R32 0", [1, 4]),
  // 3 is plain: unordered with 2; 1 and 4 are both SeqCst.
  fragment("store then load with one plain load", "A W32 0; B W32 4; A r32 4; B R32 0", [2, 3]),

  // Bulk accesses: a range, plain.
  // 2 synchronises with 3: 1 < 2 < 3 < 4, all sixteen bytes.
  fragment("bulk write, bulk read, published between", "A b16 0; A W32 32; B R32 32; B c16 0"),
  // Bytes 0-15 common, 1 writes, plain, no edge: one race, of the whole range.
  fragment("bulk write, bulk read, nothing between", "A b16 0; B c16 0", [1, 2]),
  // Common bytes 4-7; the bulk access is plain: no excuse, no edge.
  fragment("bulk over an atomic word", "A W32 4; B c16 0", [1, 2]),
  // Bytes 16-19 and 0-15: nothing in common.
  fragment("bulk beside an atomic word", "A W32 16; B c16 0"),
  // Byte 7 is common, both write, no edge.
  fragment("overlapping ends", "A b8 0; B b8 7", [1, 2]),
  // Bytes 0-7 and 8-15: nothing in common.
  fragment("touching ends", "A b8 0; B b8 8"),
  // Bytes 8-15 are common, but nobody writes.
  fragment("bulk reads only", "A c16 0; B c16 8"),

  // Wait and notify: critical sections of one waiter list, earlier before later.
  // The sections of list 8 come in the order 1, 3, 4: 2 < 3 < 4 < 5.
  fragment(
    "notify orders what was before it before the wake-up",
    "B wait 8; A w32 0; A notify 8; B woken 8; B r32 0",
  ),
  // 3 comes after 2 in agent order and no later section of A's follows: nothing puts it before 5.
  fragment(
    "what comes after the notify is not ordered",
    "B wait 8; A notify 8; A w32 0; B woken 8; B r32 0",
    [3, 5],
  ),
  // 2 and 3 are sections of one list, 2 earlier: 1 < 2 < 3 < 4.
  fragment(
    "what the waiter did before its wait is before the notifier's later steps",
    "B w32 0; B wait 8; A notify 8; A r32 0",
  ),
  // Sections 2 then 3 of list 8: 1 < 2 < 3 < 4, though nobody was woken.
  fragment(
    "a notify that wakes nobody still is a critical section: a later wait comes after it",
    "A w32 0; A notify 8; B wait 8; B r32 0",
  ),
  // The only section before 3 is 1, B's own; A's comes after: 2 and 3 race.
  fragment(
    "wait first, and the notifier has not come yet: nothing is known",
    "B wait 8; A w32 0; B r32 0; A notify 8",
    [2, 3],
  ),
  // 3 is a section of list 12, 1 and 4 of list 8: no edge, 2 and 5 race.
  fragment(
    "lists of different words do not order",
    "B wait 8; A w32 0; A notify 12; B woken 8; B r32 0",
    [2, 5],
  ),
  // Sections 2 then 3 of one list: 1 < 2 < 3 < 4.
  fragment("two notifiers: the later one knows the earlier", "A w32 0; A notify 8; C notify 8; C r32 0"),
  // 4 synchronises with 7 (and section 5 is before 6): 3 < 4 < 7 < 8. 1 and 4 are both SeqCst; 2 reads
  // atomically too.
  fragment(
    "publish by atomic store, sleep and wake-up as in a doorbell",
    "B R32 8; B wait 8; A w32 0; A W32 8; A notify 8; B woken 8; B R32 8; B r32 0",
  ),
  // The sections are B's and C's; A has none: 2 and 5 race.
  fragment(
    "woken by somebody else: what A wrote is not known",
    "B wait 8; A w32 0; C notify 8; B woken 8; B r32 0",
    [2, 5],
  ),

  // Start, messages, join.
  // A message synchronises with its receipt: 1 < 2 < 3 < 4.
  fragment("what was before the start is known to the started", "A w32 0; A send m; B recv m; B r32 0"),
  // 1 < 3, but 2 comes after 1: unordered with 4.
  fragment("what the starter does after the start is not", "A send m; A w32 0; B recv m; B r32 0", [2, 4]),
  // The end of B is a message to A: 1 < 2 < 3 < 4.
  fragment("join: the joiner knows all that was", "B w32 0; B send m; A recv m; A r32 0"),
  // The message is never received: nothing leads to A.
  fragment("no join: it does not", "B w32 0; B send m; A r32 0", [1, 3]),
  // 2 < 3 leads to C; nothing leads to B.
  fragment("message to C does not help B", "A w32 0; A send m; C recv m; B r32 0", [1, 4]),
  // 1 < 2 < 3 < 4 < 5 < 6.
  fragment("message passed on", "A w32 0; A send m; C recv m; C send n; B recv n; B r32 0"),

  // Rings: the shapes that virtqueues are made of.
  // 3 synchronises with 4 over 32-33: 1 < 2 < 3 < 4 < 5 and 6.
  fragment(
    "avail publish: descriptor and entry plain, index atomic",
    "A w32 0; A w16 16; A W16 32; B R16 32; B r16 16; B r32 0",
  ),
  // 4 overlaps 2 in byte 32 and 3 in byte 33, both plain: two races, no edge; so 1 and 5 race.
  fragment(
    "index by two byte writes: each is a race with the load",
    "A w32 0; A w8 32; A w8 33; B R16 32; B r32 0",
    [2, 4],
    [3, 4],
    [1, 5],
  ),
  // 1 and 2 share range 32-33, 3 and 4 share 34-35; the halves have nothing in common.
  fragment("flags and index share a word: 16-bit atomics each", "A W16 32; B R16 32; A W16 34; B R16 34"),
  // Common bytes 34-35; ranges 32-35 and 34-35 differ: a race.
  fragment("flags and index written as one 32-bit atomic", "A W32 32; B R16 34", [1, 2]),
  // 1 comes before B's look in agent order, so the edge 3 < 4 comes too late for it: 1 and 2 race.
  fragment(
    "used element read from the ring before the index was looked at",
    "B r32 64; A w32 64; A W16 32; B R16 32",
    [1, 2],
  ),
  // 3 reads from 2: 1 < 2 < 3 < 6. 4 and 5 come later and 5 is looked at by nobody: 4 and 7 race.
  fragment(
    "second batch read under the first look",
    "A w32 0; A W16 32; B R16 32; A w32 4; A W16 32; B r32 0; B r32 4",
    [4, 7],
  ),
];
