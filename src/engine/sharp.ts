import sharp from 'sharp';

sharp.cache(false);
// A drawing in the place of a picture is none: its text may ask for more work than any image.
sharp.block({ operation: ['VipsForeignLoadSvg'] });
// One thread per image and several images at once is faster than the other way round.
sharp.concurrency(1);

/** The decoder of images, set up for the whole engine. */
export { sharp };
