/** Folders that hold tools, caches or version control, never a person's datasets or checkpoints. */
const TOOLS = new Set(['node_modules', '__pycache__', 'site-packages', 'venv', 'virtualenv', '__MACOSX']);

/** Whether a search passes over files and folders of that name, and a watch over what happens to them. */
export function isPassedOver(name: string): boolean {
  return name.startsWith('.') || TOOLS.has(name);
}
