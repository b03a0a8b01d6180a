/**
 * Reads capture files frame by frame: classic pcap (micro- and nanoseconds, either byte order) and pcapng. Time
 * stamps are not looked at. Only Ethernet captures hold frames that a network device could receive.
 */
import { type FileHandle, open } from "node:fs/promises";
import { ByteSource } from "./byte-source.ts";
import {
  BLOCK,
  BLOCK_BYTES_MIN,
  BLOCK_HEAD_BYTES,
  BYTE_ORDER_MAGIC,
  LINK_TYPE_ETHERNET,
  PCAP_HEADER,
  PCAP_MAGIC,
  PCAP_RECORD,
  RECORD_BYTES_MAX,
  readU16,
  readU32,
} from "./capture-format.ts";

/** What is wrong with the file, and where. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

export class CaptureReader {
  /** Frames that the capture itself cut short (tcpdump -s). */
  cutShort = 0;
  /** Frames of interfaces with another link type. */
  skipped = 0;
  readonly #file: FileHandle;
  readonly #source: ByteSource;
  #pcapng = false;
  #bigEndian = false;
  /** Link types of the section's interfaces (pcapng). */
  #interfaces: number[] = [];

  /** Opens a capture and checks its beginning; a bad one throws `CaptureError`. */
  static async open(path: string): Promise<CaptureReader> {
    const reader = new CaptureReader(await open(path, "r"));
    try {
      await reader.#readHeader();
      return reader;
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  private constructor(file: FileHandle) {
    this.#file = file;
    this.#source = new ByteSource(file);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The next frame, in the order of the file; undefined at its end. Its bytes are good until the next call. */
  async next(): Promise<Uint8Array | undefined> {
    return this.#pcapng ? this.#nextBlock() : this.#nextRecord();
  }

  async #readHeader(): Promise<void> {
    const magic = await this.#source.read(4);
    if (magic.length === 0) throw new CaptureError("an empty file");
    if (magic.length < 4) throw new CaptureError(`${magic.length} bytes, too few for a capture`);
    this.#pcapng = readU32(magic, 0, false) === BLOCK.section;
    if (this.#pcapng) {
      await this.#readSection(await this.#exactly(4, "section header"));
      // Before the first frame there is an interface: a capture of something else is refused at once.
      await this.#readFirstInterface();
      return;
    }
    this.#bigEndian = isPcapMagic(readU32(magic, 0, true));
    if (!this.#bigEndian && !isPcapMagic(readU32(magic, 0, false))) {
      throw new CaptureError("neither pcap nor pcapng");
    }
    const rest = await this.#exactly(PCAP_HEADER.bytes - 4, "file header");
    // The upper bits say whether frame check sequences are there.
    const linkType = readU32(rest, PCAP_HEADER.linkType - 4, this.#bigEndian) & 0xffff;
    if (linkType !== LINK_TYPE_ETHERNET) throw wrongLinkType(linkType);
  }

  async #nextRecord(): Promise<Uint8Array | undefined> {
    const source = this.#source;
    const at = source.position;
    const head = source.tryRead(PCAP_RECORD.bytes) ?? (await source.read(PCAP_RECORD.bytes));
    if (head.length === 0) return undefined;
    if (head.length < PCAP_RECORD.bytes) throw truncated(at, "record header");
    const included = readU32(head, PCAP_RECORD.included, this.#bigEndian);
    if (included < readU32(head, PCAP_RECORD.original, this.#bigEndian)) this.cutShort++;
    if (included > RECORD_BYTES_MAX) throw new CaptureError(`a record of ${included} bytes at byte ${at}`);
    return source.tryRead(included) ?? (await this.#exactly(included, "record", at));
  }

  async #nextBlock(): Promise<Uint8Array | undefined> {
    for (;;) {
      const block = await this.#readBlock();
      if (block === undefined) return undefined;
      const { type, body, at } = block;
      if (type === BLOCK.interface) this.#interfaces.push(readU16(body, 0, this.#bigEndian));
      const frame = this.#frameOf(type, body, at);
      if (frame !== undefined) return frame;
    }
  }

  #frameOf(type: number, body: Uint8Array, at: number): Uint8Array | undefined {
    const simple = type === BLOCK.simplePacket;
    if (!simple && type !== BLOCK.enhancedPacket) return undefined;
    const index = simple ? 0 : readU32(body, 0, this.#bigEndian);
    const from = simple ? 4 : 20;
    const original = readU32(body, from - 4, this.#bigEndian);
    const included = simple ? Math.min(original, body.length - from) : readU32(body, 12, this.#bigEndian);
    if (included > body.length - from) {
      throw new CaptureError(`a frame of ${included} bytes in a shorter block at byte ${at}`);
    }
    if (this.#interfaces[index] === undefined) {
      throw new CaptureError(`a frame of interface ${index}, which is not described, at byte ${at}`);
    }
    if (this.#interfaces[index] !== LINK_TYPE_ETHERNET) {
      this.skipped++;
      return undefined;
    }
    if (included < original) this.cutShort++;
    return body.subarray(from, from + included);
  }

  /** The next block that is no section header; undefined at the end of the file. */
  async #readBlock(): Promise<{ type: number; body: Uint8Array; at: number } | undefined> {
    for (;;) {
      const at = this.#source.position;
      const head = await this.#source.read(BLOCK_HEAD_BYTES);
      if (head.length === 0) return undefined;
      if (head.length < BLOCK_HEAD_BYTES) throw truncated(at, "block header");
      // The section header's type reads the same in both byte orders, which it then sets anew.
      if (readU32(head, 0, false) === BLOCK.section) {
        await this.#readSection(head.slice(4));
        continue;
      }
      const type = readU32(head, 0, this.#bigEndian);
      const length = this.#blockLength(head.subarray(4), at);
      const rest = await this.#exactly(length - BLOCK_HEAD_BYTES, "block", at);
      return { type, body: rest.subarray(0, -4), at };
    }
  }

  /** `length` is the block's length field, whose byte order is not known before the magic number behind it. */
  async #readSection(length: Uint8Array): Promise<void> {
    const at = this.#source.position - BLOCK_HEAD_BYTES;
    const lengthField = Uint8Array.from(length);
    const magic = await this.#exactly(4, "section header", at);
    this.#bigEndian = readU32(magic, 0, true) === BYTE_ORDER_MAGIC;
    if (!this.#bigEndian && readU32(magic, 0, false) !== BYTE_ORDER_MAGIC) {
      throw new CaptureError(`a section without byte order at byte ${at}`);
    }
    this.#interfaces = [];
    await this.#exactly(this.#blockLength(lengthField, at) - BLOCK_BYTES_MIN, "section header", at);
  }

  async #readFirstInterface(): Promise<void> {
    while (this.#interfaces.length === 0) {
      const block = await this.#readBlock();
      if (block === undefined) return;
      if (block.type === BLOCK.enhancedPacket || block.type === BLOCK.simplePacket) {
        throw new CaptureError(`a frame before any interface at byte ${block.at}`);
      }
      if (block.type === BLOCK.interface) this.#interfaces.push(readU16(block.body, 0, this.#bigEndian));
    }
    const [linkType] = this.#interfaces;
    if (linkType !== undefined && linkType !== LINK_TYPE_ETHERNET) throw wrongLinkType(linkType);
  }

  #blockLength(field: Uint8Array, at: number): number {
    const length = readU32(field, 0, this.#bigEndian);
    if (length < BLOCK_BYTES_MIN || length % 4 !== 0 || length > 2 * RECORD_BYTES_MAX) {
      throw new CaptureError(`a block of ${length} bytes at byte ${at}`);
    }
    return length;
  }

  async #exactly(bytes: number, what: string, at = this.#source.position): Promise<Uint8Array> {
    const found = await this.#source.read(bytes);
    if (found.length < bytes) throw truncated(at, what);
    return found;
  }
}

const isPcapMagic = (value: number): boolean => value === PCAP_MAGIC.micro || value === PCAP_MAGIC.nano;
const truncated = (at: number, what: string) =>
  new CaptureError(`the file ends inside the ${what} that begins at byte ${at}`);
const wrongLinkType = (linkType: number) =>
  new CaptureError(`link type ${linkType}, expected Ethernet (${LINK_TYPE_ETHERNET})`);
