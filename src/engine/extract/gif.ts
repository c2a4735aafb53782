const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const HEADER_BYTES = 13;

/**
 * A GIF of which the first picture has no transparent colour: PIL's `convert('RGB')`, which people train with, shows the
 * colour itself where libvips shows nothing, which is black then.
 * @returns the same bytes where nothing is transparent, and of other files
 */
export function withoutTransparency(bytes: Uint8Array): Uint8Array {
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'GIF8') return bytes;
  const [flags = 0] = bytes.subarray(10);
  const palette = flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
  for (let at = HEADER_BYTES + palette; bytes[at] === EXTENSION; ) {
    const isTransparent = bytes[at + 1] === GRAPHIC_CONTROL && ((bytes[at + 3] ?? 0) & 1) === 1;
    if (isTransparent) {
      const opaque = Uint8Array.from(bytes);
      opaque[at + 3] = (bytes[at + 3] ?? 0) & ~1;
      return opaque;
    }
    at += 2;
    // Parts of the extension, each with its length before it, up to an empty one.
    for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) at += length + 1;
    at += 1;
  }
  return bytes;
}
