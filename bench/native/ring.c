/*
 * A split virtqueue between two pthreads: what the ring bench is compared with. The workload is that of Linux's
 * tools/virtio/ringtest (one writable descriptor per buffer, as many outstanding as fit); the code is our own.
 *
 *   ring each|batch poll|sleep SIZE BATCH OUTSTANDING BUFFERS COUNT WARMUPS
 *
 *   each   publish every buffer, look at the shared index for every buffer (as ringtest's split ring does)
 *   batch  shadow indices: publish once per BATCH, look at the shared index only when the last look is used up
 *   poll   both sides spin
 *   sleep  event index and an eventfd per direction; nobody spins
 *
 * At most OUTSTANDING buffers are out at once; there are BUFFERS of them, a power of two, used again in turn. WARMUPS rounds
 * of COUNT come before the one that is timed: it takes the system some 20 ms to give two new threads a core each, and until
 * then they take turns on one and share its cache.
 *
 * Every buffer's descriptor is written, as ringtest does: virtlab's driver leaves out what is there already.
 *
 * Prints one line of JSON. The lengths that come back are summed, so that nothing can be left out.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#include <sys/eventfd.h>

#define INLINE static inline __attribute__((always_inline))
#define WRITE_FLAG 2
#define NONE 0xffff

struct descriptor { uint64_t address; uint32_t length; uint16_t flags, next; };
struct used_element { uint32_t id, length; };
struct avail { uint16_t flags; _Atomic uint16_t index; uint16_t ring[]; };
struct used { uint16_t flags; _Atomic uint16_t index; struct used_element ring[]; };

/* Shared. */
static struct descriptor *descriptors;
static struct avail *avail;
static struct used *used;
static _Atomic uint16_t *used_event, *avail_event;
static int kick_fd, call_fd;
static unsigned size, batch, outstanding, buffers, warmups;
static uint64_t count;

/* Each side's own, on cache lines of its own. */
static alignas(128) struct {
  uint16_t avail_index, published, kicked, last_used, used_index, free_head;
  unsigned free_count;
  uint16_t *next;
  uint8_t *in_flight;
  uint64_t kicks, sum;
} guest;
static alignas(128) struct {
  uint16_t last_avail, avail_index, used_index, published;
  uint64_t calls, sum;
} host;

INLINE bool need_event(uint16_t event, uint16_t after, uint16_t before) {
  return (uint16_t)(after - event - 1) < (uint16_t)(after - before);
}

static void ring(int fd) {
  uint64_t one = 1;
  if (write(fd, &one, sizeof one) != sizeof one) abort();
}
static void wait_for(int fd) {
  uint64_t value;
  if (read(fd, &value, sizeof value) != sizeof value) abort();
}
/* A peer that does not answer for long is not running: somebody else has its core, and may be waiting for ours. */
INLINE void relax(unsigned *looks) {
  if (++*looks >= 20000) {
    sched_yield();
    *looks = 0;
  }
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* Driver. */

INLINE void publish_avail(bool sleeping) {
  uint16_t before = guest.kicked;
  if (guest.published == guest.avail_index) return;
  guest.published = guest.avail_index;
  atomic_store_explicit(&avail->index, guest.avail_index, memory_order_release);
  if (!sleeping) return;
  atomic_thread_fence(memory_order_seq_cst);
  guest.kicked = guest.avail_index;
  if (need_event(atomic_load_explicit(avail_event, memory_order_relaxed), guest.avail_index, before)) {
    guest.kicks++;
    ring(kick_fd);
  }
}

INLINE bool add(uint64_t number) {
  uint16_t head = guest.free_head;
  uint32_t buffer = number & (buffers - 1), length = 1 + ((buffer ^ (buffer >> 8)) & 63);
  if (guest.free_count == 0) return false;
  struct descriptor *descriptor = &descriptors[head];
  descriptor->address = 0x100000 + 64 * (uint64_t)buffer;
  descriptor->length = length;
  descriptor->flags = WRITE_FLAG;
  guest.free_head = guest.next[head];
  guest.free_count--;
  guest.in_flight[head] = length;
  avail->ring[guest.avail_index++ & (size - 1)] = head;
  return true;
}

INLINE bool used_empty(bool each) {
  if (!each && guest.last_used != guest.used_index) return false;
  guest.used_index = atomic_load_explicit(&used->index, memory_order_acquire);
  return guest.last_used == guest.used_index;
}

INLINE bool get(bool each) {
  if (used_empty(each)) return false;
  struct used_element element = used->ring[guest.last_used & (size - 1)];
  if (element.id >= size || guest.in_flight[element.id] < element.length) abort();
  guest.in_flight[element.id] = 0;
  guest.next[element.id] = guest.free_head;
  guest.free_head = element.id;
  guest.free_count++;
  guest.sum += element.length;
  guest.last_used++;
  return true;
}

INLINE bool enable_call(void) {
  atomic_store_explicit(used_event, guest.last_used, memory_order_relaxed);
  atomic_thread_fence(memory_order_seq_cst);
  return used_empty(true);
}

INLINE void run_driver(const bool each, const bool sleeping) {
  uint64_t started = 0, completed = 0;
  while (completed < count) {
    if (each) {
      bool moved;
      do {
        moved = started < count && add(started);
        if (moved) {
          started++;
          /* Publishing is for every buffer; kicks are decided once per batch, as ringtest does. */
          if (!sleeping || started % batch == 0 || started == count) publish_avail(sleeping);
          else {
            guest.published = guest.avail_index;
            atomic_store_explicit(&avail->index, guest.avail_index, memory_order_release);
          }
        }
        if (get(true)) completed++, moved = true;
      } while (moved && completed < count);
    } else {
      for (unsigned n = 0; n < batch && started < count && add(started); n++) started++;
      publish_avail(sleeping);
      while (get(false)) completed++;
      if (started < count && guest.free_count > 0) continue;
    }
    if (completed >= count) break;
    if (sleeping) {
      /* What was published since the last decision has to be told of before the sleep. */
      if (guest.kicked != guest.avail_index) guest.published = guest.kicked, publish_avail(true);
      if (enable_call()) wait_for(call_fd);
    } else {
      for (unsigned looks = 0; used_empty(true);) relax(&looks);
    }
  }
}

/* Device. */

INLINE bool avail_empty(bool each) {
  if (!each && host.last_avail != host.avail_index) return false;
  host.avail_index = atomic_load_explicit(&avail->index, memory_order_acquire);
  return host.last_avail == host.avail_index;
}

INLINE void publish_used(bool sleeping) {
  uint16_t before = host.published;
  if (before == host.used_index) return;
  host.published = host.used_index;
  atomic_store_explicit(&used->index, host.used_index, memory_order_release);
  if (!sleeping) return;
  atomic_thread_fence(memory_order_seq_cst);
  if (need_event(atomic_load_explicit(used_event, memory_order_relaxed), host.used_index, before)) {
    host.calls++;
    ring(call_fd);
  }
}

INLINE bool use(bool each) {
  if (avail_empty(each)) return false;
  uint16_t head = avail->ring[host.last_avail & (size - 1)];
  if (head >= size) abort();
  struct descriptor descriptor = descriptors[head];
  if (descriptor.address < 0x100000 || descriptor.address + descriptor.length > 0x200000) abort();
  used->ring[host.used_index & (size - 1)] = (struct used_element){head, descriptor.length};
  host.last_avail++;
  host.used_index++;
  host.sum += descriptor.length;
  return true;
}

INLINE bool enable_kick(void) {
  atomic_store_explicit(avail_event, host.last_avail, memory_order_relaxed);
  atomic_thread_fence(memory_order_seq_cst);
  return avail_empty(true);
}

INLINE void run_device(const bool each, const bool sleeping) {
  uint64_t served = 0;
  while (served < count) {
    if (sleeping) {
      if (enable_kick()) wait_for(kick_fd);
    } else {
      for (unsigned looks = 0; avail_empty(each);) relax(&looks);
    }
    unsigned unpublished = 0;
    while (served < count && use(each)) {
      served++;
      if (each || ++unpublished == batch) publish_used(sleeping), unpublished = 0;
    }
    publish_used(sleeping);
  }
}

static bool each_buffer, sleeping_mode;
static void device_round(void) {
  if (each_buffer) sleeping_mode ? run_device(true, true) : run_device(true, false);
  else sleeping_mode ? run_device(false, true) : run_device(false, false);
}
static void *device_main(void *unused) {
  (void)unused;
  for (unsigned round = 0; round <= warmups; round++) device_round();
  return NULL;
}
static void driver_round(void) {
  if (each_buffer) sleeping_mode ? run_driver(true, true) : run_driver(true, false);
  else sleeping_mode ? run_driver(false, true) : run_driver(false, false);
}

static void set_up(void) {
  /* One legacy ring block: descriptors, available ring, used ring on the next page. */
  size_t avail_bytes = 4 + 2 * size + 2;
  size_t used_at = (16 * size + avail_bytes + 4095) / 4096 * 4096;
  char *block = aligned_alloc(4096, used_at + (4 + 8 * size + 2 + 4095) / 4096 * 4096);
  if (block == NULL) abort();
  memset(block, 0, used_at + 4 + 8 * size + 2);
  descriptors = (struct descriptor *)block;
  avail = (struct avail *)(block + 16 * size);
  used = (struct used *)(block + used_at);
  used_event = (_Atomic uint16_t *)&avail->ring[size];
  avail_event = (_Atomic uint16_t *)&used->ring[size];
  guest.next = calloc(size, sizeof *guest.next);
  guest.in_flight = calloc(size, 1);
  for (unsigned i = 0; i < size; i++) guest.next[i] = i + 1 < size ? i + 1 : NONE;
  guest.free_count = outstanding < size ? outstanding : size;
  kick_fd = eventfd(0, 0);
  call_fd = eventfd(0, 0);
}

int main(int argc, char **argv) {
  if (argc != 9) {
    fprintf(stderr, "usage: ring each|batch poll|sleep SIZE BATCH OUTSTANDING BUFFERS COUNT WARMUPS\n");
    return 2;
  }
  each_buffer = strcmp(argv[1], "each") == 0;
  sleeping_mode = strcmp(argv[2], "sleep") == 0;
  size = strtoul(argv[3], NULL, 10);
  batch = strtoul(argv[4], NULL, 10);
  outstanding = strtoul(argv[5], NULL, 10);
  buffers = strtoul(argv[6], NULL, 10);
  count = strtoull(argv[7], NULL, 10);
  warmups = strtoul(argv[8], NULL, 10);
  set_up();
  struct timespec from, to;
  pthread_t device;
  if (pthread_create(&device, NULL, device_main, NULL) != 0) abort();
  for (unsigned round = 0; round < warmups; round++) driver_round();
  clock_gettime(CLOCK_MONOTONIC, &from);
  driver_round();
  clock_gettime(CLOCK_MONOTONIC, &to);
  pthread_join(device, NULL);
  if (guest.sum != host.sum) abort();
  double ns = (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
  printf("{\"ms\":%.6f,\"checksum\":%llu,\"kicks\":%llu,\"interrupts\":%llu}\n", ns / 1e6,
         (unsigned long long)guest.sum, (unsigned long long)guest.kicks, (unsigned long long)host.calls);
  return 0;
}
