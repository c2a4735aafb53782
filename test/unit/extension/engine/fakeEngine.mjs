// A stand-in for dist/engine.js. The dataset's name in a `rank` request says how it behaves.
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter, ResponseError } from 'vscode-jsonrpc/node';

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
process.on('disconnect', () => process.exit());

connection.onRequest('emms/discover', ({ workspace }, { isCancellationRequested }) => ({
  datasets: [],
  checkpoints: [],
  skipped: [
    {
      path: workspace,
      reason: `${process.pid} ${process.env.ELECTRON_RUN_AS_NODE} ${process.env.NODE_OPTIONS} ${isCancellationRequested}`,
    },
  ],
}));

connection.onRequest('emms/rank', async ({ dataset }, token) => {
  void connection.sendNotification('emms/progress', {
    stage: 'extract',
    message: 'resnet',
    candidate: null,
    done: 1,
    total: 2,
    secondsLeft: null,
  });
  void connection.sendNotification('emms/progress', { stage: 'no such stage' });
  void connection.sendNotification('emms/log', { level: 'info', message: 'hello' });
  switch (dataset) {
    case 'polite':
      while (!token.isCancellationRequested) await sleep(5);
      throw new ResponseError(-32800, 'cancelled');
    case 'deaf':
      return new Promise(() => {});
    case 'broken':
      throw new ResponseError(3, 'data: no images. Put one folder per class in it.');
    case 'lonely':
      throw new ResponseError(4, 'data: no checkpoints here.');
    case 'internal':
      throw new Error('oops');
    case 'nonsense':
      return { schemaVersion: 99 };
    case 'talking':
      process.stderr.write('first line\nlast words\n');
      return new Promise(() => {});
    default:
      throw new Error(`unknown case ${dataset}`);
  }
});
connection.listen();
