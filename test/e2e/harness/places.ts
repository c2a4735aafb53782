import path from 'node:path';

export const repository = path.resolve(import.meta.dirname, '../../..');

/** What a run leaves for people to look at: screenshots, and the logs of failed tests. */
export const artefacts = path.join(repository, 'out/e2e');

/** Where VS Code is installed for the tests; kept between runs. */
export const host = path.resolve(process.env.EMMS_E2E_HOST ?? path.join(artefacts, 'host'));

/** The Node that VS Code runs on, with its headers: it wants this very line, whatever Node runs the tests. */
export const hostNode = path.join(host, 'node_modules', `node-${process.platform}-${process.arch}`);

export const codeServer = path.join(host, 'node_modules/code-server/out/node/entry.js');

export const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
