import { EventEmitter, ThemeIcon, type TreeDataProvider, TreeItem, TreeItemCollapsibleState, Uri } from 'vscode';
import type { WorkspaceDiscovery } from '../discovery/workspaceDiscovery.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import { checkpointDescription } from './descriptions.ts';
import { CheckpointNode, NotRankableNode, SkippedNode } from './nodes.ts';
import { tooltip } from './tooltip.ts';

type Node = CheckpointNode | NotRankableNode | SkippedNode;

/** The Checkpoints view: each with its rank in the last ranking, and at the end what can't be ranked. */
export class CheckpointsTree implements TreeDataProvider<Node> {
  readonly #discovery: WorkspaceDiscovery;
  readonly #ranking: RankingState;
  readonly #changed = new EventEmitter<undefined>();
  #rankByPath: ReadonlyMap<string, number> = new Map();

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(discovery: WorkspaceDiscovery, ranking: RankingState) {
    this.#discovery = discovery;
    this.#ranking = ranking;
    discovery.onDidChange(() => this.#changed.fire(undefined));
    ranking.onDidChangeReport(() => this.#changed.fire(undefined));
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node instanceof NotRankableNode) return node.skipped.map((skipped) => new SkippedNode(skipped));
    if (node !== undefined) return [];
    this.#discovery.ensure();
    const report = await this.#ranking.restoredReport();
    this.#rankByPath = new Map(report?.candidates.map(({ path, rank }) => [path, rank]));
    const { checkpoints, skipped } = this.#discovery.found;
    return [
      ...checkpoints.map((checkpoint) => new CheckpointNode(checkpoint)),
      ...(skipped.length > 0 ? [new NotRankableNode(skipped)] : []),
    ];
  }

  getTreeItem(node: Node): TreeItem {
    if (node instanceof CheckpointNode) return checkpointItem(node, this.#rankByPath.get(node.path));
    return node instanceof NotRankableNode ? notRankableItem(node) : skippedItem(node);
  }
}

function checkpointItem(node: CheckpointNode, rank: number | undefined): TreeItem {
  const { checkpoint } = node;
  const item = new TreeItem(checkpoint.name, TreeItemCollapsibleState.None);
  item.id = checkpoint.path;
  item.description = checkpointDescription(checkpoint, rank);
  item.tooltip = tooltip(checkpoint.path, item.description);
  item.iconPath = new ThemeIcon(rank === 1 ? 'star-full' : 'circuit-board');
  item.contextValue = 'checkpoint';
  item.command = { command: 'emms.revealInExplorer', title: 'Reveal in Explorer', arguments: [node] };
  item.accessibilityInformation = { label: `Checkpoint ${checkpoint.name}, ${item.description}` };
  return item;
}

function notRankableItem({ skipped }: NotRankableNode): TreeItem {
  const item = new TreeItem(`Not rankable (${skipped.length})`, TreeItemCollapsibleState.Collapsed);
  item.id = 'notRankable';
  item.iconPath = new ThemeIcon('circle-slash');
  item.contextValue = 'notRankable';
  return item;
}

function skippedItem({ path, reason }: SkippedNode): TreeItem {
  const item = new TreeItem(Uri.file(path), TreeItemCollapsibleState.None);
  item.id = `skipped\n${path}`;
  item.description = reason;
  item.tooltip = tooltip(path, reason);
  item.iconPath = new ThemeIcon('warning');
  item.contextValue = 'skipped';
  return item;
}
