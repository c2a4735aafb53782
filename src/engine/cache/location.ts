import os from 'node:os';
import path from 'node:path';

/** Where the command line keeps features and statistics: the operating system's place for caches. */
export function defaultCacheFolder(): string {
  const home = os.homedir();
  if (process.platform === 'win32') {
    return path.join(process.env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'emms', 'Cache');
  }
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Caches', 'emms');
  // Anything but an absolute path counts for nothing (XDG Base Directory Specification): nobody's cache lies in a workspace.
  const { XDG_CACHE_HOME = '' } = process.env;
  return path.join(path.isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : path.join(home, '.cache'), 'emms');
}
