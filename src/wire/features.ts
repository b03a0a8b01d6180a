/** Feature bits of the ring and the transport; device bits live with each device's facts [virtio 1.4, 6]. */

export const FEATURE = {
  NOTIFY_ON_EMPTY: 24,
  ANY_LAYOUT: 27,
  INDIRECT_DESC: 28,
  EVENT_IDX: 29,
  /** Once a probe for broken drivers: must never be accepted. */
  BAD_FEATURE: 30,
} as const;

export const featureMask = (...bits: number[]): number =>
  bits.reduce((mask, bit) => mask | (1 << bit), 0) >>> 0;
export const hasFeature = (features: number, bit: number): boolean => ((features >>> bit) & 1) === 1;

/** What the split ring implements; the ring layer drops every other transport bit (24..31). */
export const RING_FEATURES = featureMask(FEATURE.INDIRECT_DESC, FEATURE.EVENT_IDX);
export const TRANSPORT_FEATURE_MASK = 0xff00_0000;
