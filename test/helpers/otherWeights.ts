import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Makes another network of the one in a folder: the values in the file from its middle on change their signs. */
export async function changeWeights(folder: string): Promise<void> {
  const file = path.join(folder, 'model.safetensors');
  const bytes = await readFile(file);
  // Half precision, little-endian: the sign is the highest bit of every second byte.
  for (let at = bytes.length - 1; at > bytes.length / 2; at -= 2) bytes[at] = (bytes[at] ?? 0) ^ 0x80;
  await writeFile(file, bytes);
}
