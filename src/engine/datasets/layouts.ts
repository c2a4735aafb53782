import type { DatasetLayout } from './dataset.ts';
import { annotationTables } from './layouts/annotationTables.ts';
import { caltech101 } from './layouts/caltech101.ts';
import { captionFiles } from './layouts/captionFiles.ts';
import { cifarBinary } from './layouts/cifarBinary.ts';
import { cifarPython } from './layouts/cifarPython.ts';
import { classFolders } from './layouts/classFolders.ts';
import { clevr } from './layouts/clevr.ts';
import { clinc } from './layouts/clinc.ts';
import { cocoCaptions } from './layouts/cocoCaptions.ts';
import { cocoInstances } from './layouts/cocoInstances.ts';
import { cocoQa } from './layouts/cocoQa.ts';
import { daquar } from './layouts/daquar.ts';
import { dtd } from './layouts/dtd.ts';
import { fastText } from './layouts/fastText.ts';
import { fgvcAircraft } from './layouts/fgvcAircraft.ts';
import { flickrCaptions } from './layouts/flickrCaptions.ts';
import { flickrStyle } from './layouts/flickrStyle.ts';
import { flowers102 } from './layouts/flowers102.ts';
import { food101 } from './layouts/food101.ts';
import { gqa } from './layouts/gqa.ts';
import { huggingFaceParquet } from './layouts/huggingFaceParquet.ts';
import { idx } from './layouts/idx.ts';
import { karpathyCaptions } from './layouts/karpathyCaptions.ts';
import { manifest } from './layouts/manifest.ts';
import { oxfordPets } from './layouts/oxfordPets.ts';
import { polarityFiles } from './layouts/polarityFiles.ts';
import { refCoco } from './layouts/refCoco.ts';
import { squad } from './layouts/squad.ts';
import { stanfordCars } from './layouts/stanfordCars.ts';
import { sun397 } from './layouts/sun397.ts';
import { textFolders } from './layouts/textFolders.ts';
import { trec } from './layouts/trec.ts';
import { voc } from './layouts/voc.ts';
import { vqaV2 } from './layouts/vqaV2.ts';
import { webDataset } from './layouts/webDataset.ts';

/** Every layout the product knows, the more specific first. */
export const LAYOUTS: readonly DatasetLayout[] = [
  fgvcAircraft,
  caltech101,
  stanfordCars,
  dtd,
  flowers102,
  food101,
  oxfordPets,
  sun397,
  voc,
  cifarBinary,
  cifarPython,
  idx,
  huggingFaceParquet,
  webDataset,
  manifest,
  cocoCaptions,
  karpathyCaptions,
  flickrStyle,
  flickrCaptions,
  captionFiles,
  vqaV2,
  clevr,
  gqa,
  cocoQa,
  daquar,
  squad,
  refCoco,
  cocoInstances,
  textFolders,
  trec,
  fastText,
  polarityFiles,
  clinc,
  ...annotationTables,
  classFolders,
];
