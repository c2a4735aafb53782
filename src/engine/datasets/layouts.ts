import { annotationTables } from './annotationTables.ts';
import { caltech101 } from './caltech101.ts';
import { captionFiles } from './captionFiles.ts';
import { cifarBinary } from './cifarBinary.ts';
import { cifarPython } from './cifarPython.ts';
import { classFolders } from './classFolders.ts';
import { clevr } from './clevr.ts';
import { clinc } from './clinc.ts';
import { cocoCaptions } from './cocoCaptions.ts';
import { cocoInstances } from './cocoInstances.ts';
import { cocoQa } from './cocoQa.ts';
import { daquar } from './daquar.ts';
import type { DatasetLayout } from './dataset.ts';
import { dtd } from './dtd.ts';
import { fastText } from './fastText.ts';
import { fgvcAircraft } from './fgvcAircraft.ts';
import { flickrCaptions } from './flickrCaptions.ts';
import { flickrStyle } from './flickrStyle.ts';
import { flowers102 } from './flowers102.ts';
import { food101 } from './food101.ts';
import { gqa } from './gqa.ts';
import { huggingFaceParquet } from './huggingFaceParquet.ts';
import { idx } from './idx.ts';
import { karpathyCaptions } from './karpathyCaptions.ts';
import { manifest } from './manifest.ts';
import { oxfordPets } from './oxfordPets.ts';
import { polarityFiles } from './polarityFiles.ts';
import { refCoco } from './refCoco.ts';
import { squad } from './squad.ts';
import { stanfordCars } from './stanfordCars.ts';
import { sun397 } from './sun397.ts';
import { textFolders } from './textFolders.ts';
import { trec } from './trec.ts';
import { voc } from './voc.ts';
import { vqaV2 } from './vqaV2.ts';
import { webDataset } from './webDataset.ts';

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
