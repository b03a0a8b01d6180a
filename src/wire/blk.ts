/** virtio-blk: feature bits, configuration layout and request format [virtio 1.4, 5.2]. */

export const BLK_FEATURE = {
  SIZE_MAX: 1,
  SEG_MAX: 2,
  GEOMETRY: 4,
  RO: 5,
  BLK_SIZE: 6,
  FLUSH: 9,
  TOPOLOGY: 10,
  CONFIG_WCE: 11,
  MQ: 12,
  DISCARD: 13,
  WRITE_ZEROES: 14,
} as const;

/** Offsets in device configuration. */
export const BLK_CONFIG = {
  capacity: 0,
  sizeMax: 8,
  segMax: 12,
  cylinders: 16,
  heads: 18,
  sectors: 19,
  blkSize: 20,
  physicalBlockExp: 24,
  alignmentOffset: 25,
  minIoSize: 26,
  optIoSize: 28,
  writeback: 32,
  numQueues: 34,
  maxDiscardSectors: 36,
  maxDiscardSeg: 40,
  discardSectorAlignment: 44,
  maxWriteZeroesSectors: 48,
  maxWriteZeroesSeg: 52,
  writeZeroesMayUnmap: 56,
  bytes: 60,
} as const;

export const BLK_TYPE = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;
export const BLK_STATUS = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;

/** Request header: type u32, reserved u32, sector u64 (512-byte units). */
export const BLK_HEADER = { type: 0, reserved: 4, sector: 8, bytes: 16 } as const;
/** Discard and write-zeroes segment: sector u64, num_sectors u32, flags u32. */
export const BLK_SEGMENT = { sector: 0, sectors: 8, flags: 12, bytes: 16, flagUnmap: 1 } as const;
export const BLK_ID_BYTES = 20;
