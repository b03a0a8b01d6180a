/**
 * What runs in the guest, as process 1: mounts, drivers, then two serial lines. The first is the console and has a
 * shell for people; on the second an agent takes scripts from us, one at a time, and tells their output and status.
 */

/** In the order in which they need each other; what a kernel has built in is not there as a file. */
export const MODULES = [
  "virtio_ring",
  "virtio_pci_modern_dev",
  "virtio_pci_legacy_dev",
  "virtio",
  "virtio_pci",
  "rng-core",
  "virtio_blk",
  "virtio-rng",
  "failover",
  "net_failover",
  "virtio_net",
  "virtio_console",
  "virtio_balloon",
  "crc16",
  "crc32c_generic",
  "libcrc32c",
  "mbcache",
  "jbd2",
  "ext4",
] as const;

/** What the agent says on its line once the drivers are in, or when it cannot go on: then with a reason. */
export const READY = "virtlab-ready";
export const FAILED = "virtlab-failed";
/** The shell has ended: the machine may go. */
export const ENDED = "virtlab-ended";

export const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mkdir -p /root /mnt
hostname virtlab
stty -F /dev/ttyS1 raw -echo
for name in ${MODULES.join(" ")}; do
  file=/modules/$name.ko
  [ ! -f $file ] || insmod $file 2>/tmp/insmod || problem="$(cat /tmp/insmod)"
done
if [ ! -d /sys/bus/pci/drivers/virtio-pci ]; then
  echo "${FAILED} this kernel has no virtio-pci driver\${problem:+ ($problem)}" >/dev/ttyS1
  sleep 1000000
fi
ip link set lo up
agent() {
  echo ${READY}
  while read token; do
    : >/tmp/script.base64
    while read line && [ -n "$line" ]; do echo "$line" >>/tmp/script.base64; done
    base64 -d /tmp/script.base64 >/tmp/script
    sh /tmp/script </dev/null 2>&1
    echo "$token $?"
  done
}
agent </dev/ttyS1 >/dev/ttyS1 2>/dev/null &
while true; do
  cd /root
  setsid cttyhack sh -l
  echo ${ENDED} >/dev/ttyS1
  sleep 1
done
`;
