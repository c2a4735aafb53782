/** What datasets are published in and nothing is read from: only the plain tars of a WebDataset are read as they are. */
const ARCHIVE = /\.(zip|7z|rar|tgz|tbz2?|txz|tar(\.\w+)?|(csv|tsv|jsonl?|txt|parquet)\.(gz|bz2|xz|zst))$/i;

export function isArchive(name: string): boolean {
  return ARCHIVE.test(name);
}

/** What to say of a compressed tar beside that it is to be unpacked: images in it can't be read where they lie. */
export function remarkOnPacked(name: string): string {
  return /\.(tgz|tar\.\w+)$/i.test(name)
    ? ' Of a shard of a WebDataset undo the compression alone (gunzip): a plain .tar is read as it is.'
    : '';
}
