/** How image files that can be decoded end, as a part of regular expressions that ignore case. */
export const IMAGE_ENDING = String.raw`\.(?:png|jpe?g|jpe|jfif|webp|gif|tiff?|avif|bmp|p[gp]m)`;
/** Names of image files that can be decoded. */
export const IMAGE = new RegExp(`${IMAGE_ENDING}$`, 'i');
/** Names of others. */
export const UNREAD_IMAGE = /\.(dib|p[bn]m|hei[cf]|jp2|j2k|jxl|tga|dcm|nii|psd)$/i;
