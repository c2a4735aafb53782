/** What datasets are published in and nothing is read from: only the plain tars of a WebDataset are read as they are. */
const ARCHIVE = /\.(zip|7z|rar|tgz|tbz2?|txz|tar(\.\w+)?|(csv|tsv|jsonl?|txt|parquet)\.(gz|bz2|xz|zst))$/i;

export function isArchive(name: string): boolean {
  return ARCHIVE.test(name);
}
