/** Frames in a byte stream as QEMU's `-netdev stream` has them: a 4-byte big-endian length, then the frame. */
import { getBe32, putBe32 } from "../../wire/inet.ts";

export const LENGTH_BYTES = 4;
/** Nothing longer is a frame: the stream is out of step. */
export const STREAM_FRAME_BYTES_MAX = 65536;

/** Puts a stream's chunks together to frames. */
export class FrameParser {
  #rest: Uint8Array = new Uint8Array(0);

  /** Bytes of a frame that has not come whole. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** The frames that are whole now. Throws at a length that no frame has: there is no way back into step. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = getBe32(bytes, at);
      if (length === 0 || length > STREAM_FRAME_BYTES_MAX) {
        throw new RangeError(`a frame length of ${length}, expected 1 to ${STREAM_FRAME_BYTES_MAX}`);
      }
      if (bytes.length - at - LENGTH_BYTES < length) break;
      at += LENGTH_BYTES + length;
      yield bytes.subarray(at - length, at);
    }
    this.#rest = bytes.subarray(at);
  }
}

/** A frame with its length before it, in memory of its own. */
export function packFrame(frame: Uint8Array): Uint8Array {
  const packed = new Uint8Array(LENGTH_BYTES + frame.length);
  putBe32(packed, 0, frame.length);
  packed.set(frame, LENGTH_BYTES);
  return packed;
}
