import os from 'node:os';
import path from 'node:path';

/** Where Hugging Face's libraries keep what they downloaded: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, as they read them. */
export function huggingFaceCache(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env;
  return HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || path.join(huggingFaceHome(), 'hub');
}

/** Where they keep that and all else. */
export function huggingFaceHome(): string {
  return process.env.HF_HOME || path.join(userCache(), 'huggingface');
}

/** Where torch.hub and torchvision keep the weights that they downloaded: TORCH_HOME, XDG_CACHE_HOME. */
export function torchHubCache(): string {
  return path.join(process.env.TORCH_HOME || path.join(userCache(), 'torch'), 'hub', 'checkpoints');
}

function userCache(): string {
  return process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
}
