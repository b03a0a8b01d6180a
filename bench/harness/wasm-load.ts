/**
 * An atomic load as WebAssembly has it, for the price of a call: what a ring's hot path in WebAssembly would pay for each
 * step that JavaScript asks of it.
 *
 *   (module (import "m" "m" (memory 1 1 shared))
 *     (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0))))
 */
const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f], // types: (i32) -> i32
  ...[0x02, 0x09, 0x01, 0x01, 0x6d, 0x01, 0x6d, 0x02, 0x03, 0x01, 0x01], // imports: m.m, one shared page
  ...[0x03, 0x02, 0x01, 0x00], // functions: one, of type 0
  ...[0x07, 0x08, 0x01, 0x04, 0x6c, 0x6f, 0x61, 0x64, 0x00, 0x00], // exports: "load", function 0
  ...[0x0a, 0x0a, 0x01, 0x08, 0x00, 0x20, 0x00, 0xfe, 0x10, 0x02, 0x00, 0x0b], // its body
]);

/** The engine's own; the library of types that we compile against leaves it out. */
interface Engine {
  readonly WebAssembly: {
    readonly Memory: new (size: object) => { readonly buffer: SharedArrayBuffer };
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
  };
}

/** `load(offset)` over 64 KiB of shared memory, and the same bytes as words. */
export function wasmLoad(): { readonly load: (offset: number) => number; readonly words: Uint32Array } {
  const { WebAssembly } = globalThis as unknown as Engine;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { m: memory } });
  return {
    load: instance.exports.load as (offset: number) => number,
    words: new Uint32Array(memory.buffer),
  };
}
