import { commands, type Disposable } from 'vscode';

/** The state of the extension that `when` clauses in package.json may ask for. */
interface ContextKeys {
  'emms.discovery': 'idle' | 'scanning' | 'ready' | 'failed';
  'emms.running': boolean;
  'emms.canResume': boolean;
  'emms.hasReport': boolean;
}

export function setContextKey<K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void {
  void commands.executeCommand('setContext', key, value);
}

/** Puts every key back when the extension goes. */
export function resetContextKeysOnDispose(): Disposable {
  return {
    dispose() {
      setContextKey('emms.discovery', 'idle');
      setContextKey('emms.running', false);
      setContextKey('emms.canResume', false);
      setContextKey('emms.hasReport', false);
    },
  };
}
