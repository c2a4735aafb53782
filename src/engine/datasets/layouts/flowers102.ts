import { formatCount } from '../../../protocol/format.ts';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, countImages, fileIn, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { type MatValue, readMat } from '../matFile.ts';

/** The variables of setid.mat. */
const SPLITS = [
  { split: 'train', variable: 'trnid' },
  { split: 'val', variable: 'valid' },
  { split: 'test', variable: 'tstid' },
];

/**
 * Oxford Flowers-102 as unpacked from 102flowers.tgz, with imagelabels.mat and setid.mat beside it
 * (https://www.robots.ox.ac.uk/~vgg/data/flowers/102/): `jpg/image_00001.jpg`, the classes of all images from 1 to 102
 * in their order, and the numbers of the images of each split. Without setid.mat all images are one split.
 */
export const flowers102: DatasetLayout = {
  format: 'flowers-102',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isFlowers102);
    const images = root && below(root, 'jpg');
    if (!root || !images) return undefined;
    return {
      task: 'image-classification',
      reason: `Oxford Flowers-102: ${formatCount(countImages(images))} images in jpg, imagelabels.mat${fileIn(root, 'setid.mat') ? ' and setid.mat' : ''}`,
      open: async (signal) => {
        const labels = (await variablesOf(root, 'imagelabels.mat')).get('labels');
        if (labels?.kind !== 'numbers') {
          throw new InputError('imagelabels.mat: no numbers "labels"; download it again.');
        }
        const gathered = new LabelledImages(root, this.format, images);
        for (const { split, variable, numbers } of await setsIn(root, labels.values.length)) {
          for (const number of numbers) {
            const image = `image_${String(number).padStart(5, '0')}.jpg`;
            const name = NAMES[(labels.values[number - 1] ?? 0) - 1];
            if (name) gathered.addFile(split, image, [name], variable);
            else gathered.skip('have no class from 1 to 102', `imagelabels.mat: ${image}`);
          }
        }
        return gathered.dataset(NAMES, signal);
      },
    };
  },
};

/** The numbers of the images of each split, from 1. */
async function setsIn(
  root: Folder,
  count: number,
): Promise<{ split: string; variable: string; numbers: Iterable<number> }[]> {
  if (fileIn(root, 'setid.mat') === undefined) {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    return [{ split: 'all', variable: 'imagelabels.mat', numbers }];
  }
  const sets = await variablesOf(root, 'setid.mat');
  return SPLITS.map(({ split, variable }) => {
    const set = sets.get(variable);
    return { split, variable: `setid.mat: ${variable}`, numbers: set?.kind === 'numbers' ? set.values : [] };
  });
}

async function variablesOf(root: Folder, name: string): Promise<ReadonlyMap<string, MatValue>> {
  const file = fileIn(root, name);
  return file ? readMat(file) : new Map();
}

function isFlowers102(folder: Folder): boolean {
  return below(folder, 'jpg') !== undefined && fileIn(folder, 'imagelabels.mat') !== undefined;
}

/** The names of the classes 1 to 102, which the files leave out; the dataset's page lists them. */
const NAMES: readonly string[] = [
  'pink primrose',
  'hard-leaved pocket orchid',
  'canterbury bells',
  'sweet pea',
  'english marigold',
  'tiger lily',
  'moon orchid',
  'bird of paradise',
  'monkshood',
  'globe thistle',
  'snapdragon',
  "colt's foot",
  'king protea',
  'spear thistle',
  'yellow iris',
  'globe-flower',
  'purple coneflower',
  'peruvian lily',
  'balloon flower',
  'giant white arum lily',
  'fire lily',
  'pincushion flower',
  'fritillary',
  'red ginger',
  'grape hyacinth',
  'corn poppy',
  'prince of wales feathers',
  'stemless gentian',
  'artichoke',
  'sweet william',
  'carnation',
  'garden phlox',
  'love in the mist',
  'mexican aster',
  'alpine sea holly',
  'ruby-lipped cattleya',
  'cape flower',
  'great masterwort',
  'siam tulip',
  'lenten rose',
  'barbeton daisy',
  'daffodil',
  'sword lily',
  'poinsettia',
  'bolero deep blue',
  'wallflower',
  'marigold',
  'buttercup',
  'oxeye daisy',
  'common dandelion',
  'petunia',
  'wild pansy',
  'primula',
  'sunflower',
  'pelargonium',
  'bishop of llandaff',
  'gaura',
  'geranium',
  'orange dahlia',
  'pink-yellow dahlia',
  'cautleya spicata',
  'japanese anemone',
  'black-eyed susan',
  'silverbush',
  'californian poppy',
  'osteospermum',
  'spring crocus',
  'bearded iris',
  'windflower',
  'tree poppy',
  'gazania',
  'azalea',
  'water lily',
  'rose',
  'thorn apple',
  'morning glory',
  'passion flower',
  'lotus',
  'toad lily',
  'anthurium',
  'frangipani',
  'clematis',
  'hibiscus',
  'columbine',
  'desert-rose',
  'tree mallow',
  'magnolia',
  'cyclamen',
  'watercress',
  'canna lily',
  'hippeastrum',
  'bee balm',
  'ball moss',
  'foxglove',
  'bougainvillea',
  'camellia',
  'mallow',
  'mexican petunia',
  'bromelia',
  'blanket flower',
  'trumpet creeper',
  'blackberry lily',
];
