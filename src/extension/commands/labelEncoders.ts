import { ProgressLocation, type SecretStorage, window } from 'vscode';
import type { Encoder } from '../../protocol/engine.ts';
import { readProxy, readSettings } from '../configuration.ts';
import type { EngineClient } from '../engine/engineClient.ts';
import { RequestCancelledError } from '../engine/errors.ts';
import { plainText } from '../plainText.ts';
import { DownloadTally } from './downloadTally.ts';

const TOKEN = 'huggingFaceToken';

/**
 * Downloads the label encoders that are not on this machine, once the person has said which. What a cancelled download
 * has loaded is kept, and the next one goes on from there.
 * @returns whether there is a new one
 */
export async function downloadLabelEncoders(engine: EngineClient, secrets: SecretStorage): Promise<boolean> {
  const { encoderSet } = readSettings();
  const encoders = await engine.listEncoders(encoderSet);
  const missing = encoders.filter(({ present }) => !present);
  if (missing.length === 0) {
    void window.showInformationMessage('CLIP, BERT and GPT-2 are on this machine.');
    return false;
  }
  const chosen = await window.showQuickPick(
    missing.map((encoder) => ({ label: encoder.name, description: encoder.model, picked: true, encoder })),
    {
      canPickMany: true,
      title: 'Download label encoders from the Hugging Face hub',
      placeHolder: `${encoderSet === 'base' ? 'About 0.5 GB each' : 'Several gigabytes'}, into the Hugging Face cache`,
    },
  );
  let downloaded = false;
  for (const { encoder } of chosen ?? []) {
    if (!(await download(encoder, engine, secrets))) break;
    downloaded = true;
  }
  return downloaded;
}

/** Says whether the encoder is there now. One that failed is tried as often as the person says. */
async function download(encoder: Encoder, engine: EngineClient, secrets: SecretStorage): Promise<boolean> {
  const { model } = encoder;
  const token = (await secrets.get(TOKEN)) ?? null;
  const tally = new DownloadTally();
  try {
    await window.withProgress(
      { location: ProgressLocation.Notification, title: plainText(`Downloading ${model}`), cancellable: true },
      (notification, cancellation) =>
        engine.download({ model, token, proxy: readProxy() }, cancellation, (progress) =>
          notification.report(tally.step(progress)),
        ),
    );
    return true;
  } catch (error) {
    if (error instanceof RequestCancelledError) return false;
    const tryAgain = 'Try Again';
    const message = plainText(error instanceof Error ? error.message : String(error));
    return (await window.showErrorMessage(message, tryAgain)) === tryAgain && download(encoder, engine, secrets);
  }
}

/** Keeps the person's access token in VS Code's secret storage; an empty one is forgotten. */
export async function setHuggingFaceToken(secrets: SecretStorage): Promise<void> {
  const token = await window.showInputBox({
    title: 'Hugging Face access token',
    prompt: 'For models that need one. It is kept in VS Code’s secret storage; leave it empty to forget it.',
    placeHolder: 'hf_…',
    password: true,
    ignoreFocusOut: true,
  });
  if (token === undefined) return;
  if (token.trim() === '') await secrets.delete(TOKEN);
  else await secrets.store(TOKEN, token.trim());
}
