import path from 'node:path';
import {
  EventEmitter,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  workspace,
} from 'vscode';
import { formatQuantity } from '../../protocol/format.ts';
import { TASK_TITLES } from '../../protocol/tasks.ts';
import type { WorkspaceDiscovery } from '../discovery/workspaceDiscovery.ts';
import { datasetDescription } from './descriptions.ts';
import { DatasetNode, SplitNode } from './nodes.ts';
import { tooltip } from './tooltip.ts';

/** The Datasets view: each dataset with its splits. */
export class DatasetsTree implements TreeDataProvider<DatasetNode | SplitNode> {
  readonly #discovery: WorkspaceDiscovery;
  readonly #changed = new EventEmitter<undefined>();

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(discovery: WorkspaceDiscovery) {
    this.#discovery = discovery;
    discovery.onDidChange(() => this.#changed.fire(undefined));
  }

  getChildren(node?: DatasetNode | SplitNode): (DatasetNode | SplitNode)[] {
    if (node instanceof SplitNode) return [];
    if (node instanceof DatasetNode) {
      const { dataset } = node;
      return Object.entries(dataset.splits).map(([split, count]) => new SplitNode(dataset, split, count));
    }
    this.#discovery.ensure();
    return this.#discovery.found.datasets.map((dataset) => new DatasetNode(dataset));
  }

  getTreeItem(node: DatasetNode | SplitNode): TreeItem {
    return node instanceof DatasetNode ? datasetItem(node) : splitItem(node);
  }
}

/** A dataset that can be read for several tasks is listed for each. */
function idOf({ path: named, task }: DatasetNode['dataset']): string {
  return `${task}\n${named}`;
}

function datasetItem({ dataset }: DatasetNode): TreeItem {
  const item = new TreeItem(dataset.name, TreeItemCollapsibleState.Collapsed);
  item.id = idOf(dataset);
  const severalFolders = (workspace.workspaceFolders?.length ?? 0) > 1;
  item.description = datasetDescription(dataset, severalFolders ? path.basename(dataset.workspace) : undefined);
  item.tooltip = tooltip(dataset.path, item.description, `${TASK_TITLES[dataset.task]} · ${dataset.format}`);
  item.iconPath = new ThemeIcon('database');
  item.contextValue = 'dataset';
  item.resourceUri = Uri.file(dataset.path);
  item.accessibilityInformation = { label: `Dataset ${dataset.name}, ${item.description}` };
  return item;
}

function splitItem({ dataset, split, count }: SplitNode): TreeItem {
  const item = new TreeItem(split, TreeItemCollapsibleState.None);
  item.id = `${idOf(dataset)}\n${split}`;
  item.description = formatQuantity(count, 'sample');
  item.iconPath = new ThemeIcon('file-media');
  item.contextValue = 'split';
  return item;
}
