import { randomBytes } from 'node:crypto';
import { commands, Uri, type WebviewPanel, type WebviewView } from 'vscode';
import { type FromWebview, fromWebviewSchema, type ToWebview } from '../../protocol/webview.ts';
import type { CommandId } from '../commandIds.ts';
import { openSetting } from '../configuration.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import { rankingHtml } from './rankingHtml.ts';

/** Progress comes in quicker than eyes: what changes within this time is shown together. */
const POST_INTERVAL_MS = 50;

/** All that a webview can set off: the command behind each act of the person in it. */
const commandOf: Record<Exclude<FromWebview['type'], 'ready' | 'nameCheckpointFolders'>, CommandId> = {
  rank: 'emms.rankModels',
  rankAgain: 'emms.rankAgain',
  cancel: 'emms.cancelRanking',
  resume: 'emms.resumeRanking',
  showLog: 'emms.showLog',
  export: 'emms.exportReport',
  getEncoders: 'emms.downloadLabelEncoders',
  reveal: 'emms.revealCandidate',
};

/**
 * Shows the ranking in a webview, be it in the side bar or in an editor. A hidden webview is torn down and asks anew
 * (`ready`) when it comes back, so that nothing need be posted to it meanwhile.
 */
export function showRanking(
  host: WebviewView | WebviewPanel,
  placement: 'view' | 'panel',
  extensionUri: Uri,
  state: RankingState,
): void {
  const { webview } = host;
  const dist = Uri.joinPath(extensionUri, 'dist');
  let ready = false;
  let posting: NodeJS.Timeout | undefined;

  const post = async () => {
    posting = undefined;
    const message: ToWebview = { type: 'state', state: await state.restored() };
    if (host.visible) await webview.postMessage(message);
  };
  const stateChanges = state.onDidChange(() => {
    if (ready && host.visible) posting ??= setTimeout(() => void post(), POST_INTERVAL_MS);
  });
  const messages = webview.onDidReceiveMessage((received: unknown) => {
    const parsed = fromWebviewSchema.safeParse(received);
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.type === 'ready') {
      ready = true;
      void post();
    } else if (message.type === 'nameCheckpointFolders') {
      void openSetting('checkpointFolders');
    } else {
      void commands.executeCommand(commandOf[message.type], ...(message.type === 'reveal' ? [message.candidate] : []));
    }
  });
  host.onDidDispose(() => {
    clearTimeout(posting);
    stateChanges.dispose();
    messages.dispose();
  });

  webview.options = { enableScripts: true, localResourceRoots: [dist] };
  webview.html = rankingHtml({
    placement,
    nonce: randomBytes(16).toString('base64url'),
    script: webview.asWebviewUri(Uri.joinPath(dist, 'webview.js')).toString(),
  });
}
