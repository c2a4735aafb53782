/** What stands in the place of a file that Git LFS keeps elsewhere begins so. */
export const LFS_POINTER = 'version https://git-lfs';
