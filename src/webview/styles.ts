import { css } from 'lit';

// Colours come from the --vscode-* tokens only; theme.ts gives them values where there is no VS Code.
export const styles = css`
  :host {
    --line: var(--vscode-contrastBorder, color-mix(in srgb, var(--vscode-foreground) 13%, transparent));
    --faint: color-mix(in srgb, var(--vscode-foreground) 14%, transparent);
    --muted: var(--vscode-descriptionForeground, var(--vscode-foreground));
    --accent: var(--vscode-charts-blue, var(--vscode-focusBorder));
    --warning: var(--vscode-editorWarning-foreground, var(--vscode-foreground));
    --error: var(--vscode-errorForeground, var(--vscode-foreground));
    --ground: var(--vscode-editor-background);
    --card: color-mix(in srgb, var(--vscode-foreground) 4%, transparent);
    --code: var(--vscode-editor-font-family, monospace);
    box-sizing: border-box;
    color: var(--vscode-foreground);
    container: ranking / inline-size;
    display: block;
    font-family: var(--vscode-font-family, sans-serif);
    font-size: var(--vscode-font-size, 13px);
    line-height: 1.4;
    padding: 20px 24px 40px;
  }
  :host([placement='view']) {
    --ground: var(--vscode-sideBar-background, var(--vscode-editor-background));
    padding: 8px 12px 24px;
  }
  :host([placement='report']) {
    margin: 0 auto;
    max-width: 1240px;
  }
  *,
  *::before {
    box-sizing: border-box;
  }
  .content {
    display: grid;
    gap: 16px;
    grid-template-columns: minmax(0, 1fr);
  }
  h2,
  h3,
  h4,
  p,
  dl,
  dd,
  ul,
  figure {
    margin: 0;
    padding: 0;
  }
  h2 {
    font-size: 1.4em;
    font-weight: 600;
    line-height: 1.25;
    overflow-wrap: anywhere;
  }
  h3 {
    font-size: 1.08em;
    font-weight: 600;
  }
  h4 {
    color: var(--muted);
    font-size: 0.92em;
    font-weight: 600;
    margin-bottom: 4px;
  }
  ul {
    list-style: none;
  }
  code {
    font-family: var(--code);
    font-size: 0.93em;
    overflow-wrap: anywhere;
  }
  button {
    background: none;
    border: 0;
    color: inherit;
    cursor: pointer;
    font: inherit;
    padding: 0;
    text-align: inherit;
  }
  button.link {
    color: var(--vscode-textLink-foreground);
  }
  button.link:hover {
    text-decoration: underline;
  }
  button:focus-visible,
  summary:focus-visible {
    border-radius: 3px;
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: 2px;
  }
  .muted {
    color: var(--muted);
  }
  .hidden {
    border: 0;
    clip-path: inset(50%);
    height: 1px;
    margin: -1px;
    overflow: hidden;
    padding: 0;
    position: absolute;
    white-space: nowrap;
    width: 1px;
  }
  .icon {
    flex: none;
    height: 16px;
    vertical-align: -3px;
    width: 16px;
  }

  /* Header */
  header {
    display: grid;
    gap: 12px;
    grid-template-columns: minmax(0, 1fr);
  }
  .title {
    align-items: flex-start;
    display: flex;
    gap: 12px;
    justify-content: space-between;
  }
  .kicker {
    color: var(--muted);
    font-size: 0.92em;
  }
  .toolbar {
    display: flex;
    flex: none;
    gap: 2px;
  }
  .tool {
    align-items: center;
    border: 1px solid transparent;
    border-radius: 5px;
    color: var(--vscode-icon-foreground, var(--vscode-foreground));
    display: flex;
    gap: 6px;
    padding: 3px 7px;
    white-space: nowrap;
  }
  .tool:hover {
    background: var(--vscode-toolbar-hoverBackground, transparent);
    border-color: var(--vscode-contrastActiveBorder, transparent);
  }
  .verdict {
    border-left: 3px solid var(--accent);
    font-size: 1.08em;
    overflow-wrap: anywhere;
    padding: 2px 0 2px 10px;
  }
  .winner {
    font-weight: 600;
  }
  .number {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 24px;
  }
  .facts dt {
    color: var(--muted);
    font-size: 0.88em;
  }
  .facts > [title] dd {
    text-decoration: underline dotted color-mix(in srgb, currentColor 50%, transparent);
    text-underline-offset: 3px;
  }
  .warnings li {
    align-items: flex-start;
    display: flex;
    gap: 6px;
    overflow-wrap: anywhere;
  }
  .warnings li + li {
    margin-top: 4px;
  }
  .warnings .icon {
    color: var(--warning);
    margin-top: 1px;
  }

  /* Filter */
  .filter {
    align-items: center;
    display: flex;
    gap: 12px;
  }
  .filter vscode-textfield {
    flex: 0 1 280px;
    min-width: 0;
  }
  .filter .muted {
    white-space: nowrap;
  }

  /* Table: every row is a grid of its own with the same columns, so that rows out of sight cost nothing. */
  table {
    --columns: 70px minmax(150px, 1.4fr) minmax(122px, 0.8fr) minmax(270px, 2.8fr) 66px 62px 66px 66px 48px;
    font-variant-numeric: tabular-nums;
    width: 100%;
  }
  table,
  thead,
  tbody,
  .heading,
  .heading > th,
  .expansion,
  .expansion > td {
    display: block;
  }
  [hidden] {
    display: none;
  }
  thead > tr,
  .candidate {
    align-items: center;
    border-bottom: 1px solid var(--line);
    column-gap: 16px;
    display: grid;
    grid-template-columns: var(--columns);
  }
  th,
  td {
    font-weight: inherit;
    min-width: 0;
    padding: 0;
    text-align: start;
  }
  thead {
    background: var(--ground);
    position: sticky;
    top: 0;
    z-index: 1;
  }
  thead > tr {
    align-items: end;
    padding-top: 6px;
  }
  .candidate {
    contain-intrinsic-block-size: auto 30px;
    content-visibility: auto;
    min-height: 30px;
    padding: 3px 0;
  }
  .candidate:hover {
    background: var(--vscode-list-hoverBackground, transparent);
  }
  .candidate.open {
    border-bottom-color: transparent;
  }
  thead th > div {
    align-items: flex-end;
    display: flex;
    gap: 10px;
  }
  .sort {
    align-items: center;
    color: var(--muted);
    display: flex;
    font-size: 0.92em;
    font-weight: 600;
    gap: 2px;
    padding: 2px 0 4px;
    white-space: nowrap;
  }
  .sort:hover,
  [aria-sort] .sort {
    color: var(--vscode-foreground);
  }
  .sort .icon {
    height: 13px;
    width: 13px;
  }
  .rank > div {
    align-items: center;
    display: flex;
    gap: 4px;
    padding-left: 6px;
    white-space: nowrap;
  }
  thead .rank > div {
    padding-left: 28px;
  }
  .tie {
    color: var(--accent);
    font-weight: 600;
  }
  .name,
  .architecture {
    overflow-wrap: anywhere;
  }
  td.architecture {
    color: var(--muted);
  }
  td.score > div {
    align-items: center;
    display: flex;
    gap: 14px;
  }
  .value,
  thead .score .sort {
    flex: none;
    min-width: 4em;
    width: var(--score-width, 16ch);
  }
  .value {
    white-space: nowrap;
  }
  thead .score > div {
    gap: 14px;
  }
  .score {
    padding-right: 8px;
  }
  .featureDim,
  .parameters,
  .bytes,
  .latencyMs,
  .warnings:is(th, td) {
    text-align: end;
    white-space: nowrap;
  }
  thead :is(.featureDim, .parameters, .bytes, .latencyMs, .warnings) > div {
    justify-content: flex-end;
  }
  .candidate.best .model {
    font-weight: 600;
  }
  button.model:hover {
    color: var(--vscode-textLink-foreground);
    text-decoration: underline;
  }
  .under {
    display: none;
  }
  .heading > th {
    border-bottom: 1px solid var(--line);
    font-size: 0.92em;
    font-weight: 600;
    padding: 12px 0 4px;
  }
  .heading .muted {
    font-weight: 400;
    margin-left: 6px;
  }
  .others .heading > th {
    color: var(--muted);
  }
  .tied .candidate {
    box-shadow: inset 3px 0 0 var(--accent);
  }
  .badge {
    align-items: center;
    color: var(--warning);
    display: inline-flex;
    gap: 3px;
    vertical-align: top;
    white-space: nowrap;
  }
  .badge > span {
    color: var(--vscode-foreground);
  }
  .legend {
    align-items: center;
    display: flex;
    flex-wrap: wrap;
    font-size: 0.92em;
    gap: 4px 18px;
    margin-top: 8px;
  }
  .legend span {
    align-items: center;
    display: inline-flex;
    gap: 6px;
  }
  .nomatch {
    color: var(--muted);
    padding: 16px 0;
  }
  .toggle {
    border-radius: 3px;
    color: var(--muted);
    display: flex;
    padding: 1px;
  }
  .toggle .icon {
    transition: transform 100ms;
  }
  .toggle[aria-expanded='true'] .icon {
    transform: rotate(90deg);
  }

  /* Drawings */
  .interval,
  .axis {
    flex: 1 1 120px;
    min-width: 0;
    overflow: visible;
    width: 100%;
  }
  .rail,
  .grid,
  .axis line {
    stroke: var(--faint);
  }
  .zero {
    stroke: var(--muted);
  }
  .reference {
    fill: none;
    stroke: var(--accent);
    stroke-dasharray: 2 3;
    stroke-opacity: 0.8;
  }
  .whisker {
    fill: none;
    stroke: var(--muted);
    stroke-width: 1.5;
  }
  .best .whisker {
    stroke: var(--accent);
  }
  .dot {
    fill: var(--ground);
    stroke: var(--muted);
    stroke-width: 1.5;
  }
  .best .dot,
  .dot.best {
    fill: var(--accent);
    stroke: var(--accent);
  }
  .axis text,
  .tick {
    fill: var(--muted);
    font-size: 11px;
    font-variant-numeric: tabular-nums;
  }
  .scatter {
    border-top: 1px solid var(--line);
    display: grid;
    gap: 8px;
    padding-top: 16px;
  }
  .scatter figcaption {
    align-items: baseline;
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
  }
  .scatter svg {
    height: auto;
    max-width: 860px;
    width: 100%;
  }
  .front {
    fill: none;
    stroke: var(--accent);
    stroke-opacity: 0.55;
    stroke-width: 1.5;
  }
  .label {
    fill: var(--vscode-foreground);
    font-size: 11.5px;
    paint-order: stroke;
    stroke: var(--ground);
    stroke-width: 3px;
  }

  /* Details of a row */
  .expansion > td {
    border-bottom: 1px solid var(--line);
    padding: 0 0 12px 28px;
  }
  .details {
    background: var(--card);
    border: 1px solid var(--vscode-contrastBorder, transparent);
    border-radius: 6px;
    display: grid;
    gap: 14px;
    grid-template-columns: minmax(0, 1fr);
    padding: 12px 14px 0;
  }
  .columns {
    columns: 250px;
    column-gap: 28px;
  }
  .columns > section {
    break-inside: avoid;
    padding-bottom: 12px;
  }
  .details dl,
  .provenance dl {
    display: grid;
    gap: 4px;
  }
  .details dl > div {
    display: grid;
    gap: 0 10px;
    grid-template-columns: 96px minmax(0, 1fr);
  }
  .details dl.numbers {
    justify-content: start;
  }
  .details dl.numbers > div {
    grid-template-columns: minmax(96px, auto) minmax(72px, auto);
  }
  .numbers dd {
    text-align: end;
  }
  .details dt,
  .provenance dt {
    color: var(--muted);
  }
  dd {
    overflow-wrap: anywhere;
  }

  /* Footer */
  footer {
    border-top: 1px solid var(--line);
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    padding-top: 8px;
  }
  details {
    max-width: 92ch;
  }
  summary {
    cursor: pointer;
    font-weight: 600;
    padding: 5px 0;
  }
  details > :not(summary) {
    margin: 2px 0 10px 16px;
  }
  .skipped li {
    display: grid;
    padding: 3px 0;
  }
  .skipped li span {
    color: var(--muted);
    overflow-wrap: anywhere;
  }
  .provenance dl > div {
    display: grid;
    grid-template-columns: 96px minmax(0, 1fr);
  }

  /* States */
  .empty {
    align-items: center;
    display: grid;
    gap: 10px;
    justify-items: center;
    margin: 0 auto;
    max-width: 42ch;
    padding: 24px 0;
    text-align: center;
  }
  .empty p {
    color: var(--muted);
    margin-bottom: 6px;
  }
  .running,
  .problem,
  .notice {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 6px;
    padding: 12px 14px;
  }
  .running {
    display: grid;
    gap: 8px;
    grid-template-columns: minmax(0, 1fr);
  }
  .running .title {
    align-items: center;
    flex-wrap: wrap;
  }
  .running h2,
  .problem h2 {
    font-size: 1.08em;
  }
  .running vscode-progress-bar {
    background: color-mix(in srgb, var(--vscode-foreground) 12%, transparent);
    border-radius: 2px;
    height: 4px;
    overflow: hidden;
  }
  .stage {
    overflow-wrap: anywhere;
  }
  .counts {
    font-variant-numeric: tabular-nums;
    min-height: 1.4em;
  }
  .problem {
    display: flex;
    gap: 10px;
  }
  .problem > .icon {
    color: var(--error);
    margin-top: 1px;
  }
  .problem > div {
    display: grid;
    gap: 6px;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    margin-top: 4px;
  }
  .notice {
    border-color: var(--warning);
    display: flex;
    gap: 8px;
    overflow-wrap: anywhere;
  }
  .notice .icon {
    color: var(--warning);
  }

  /* Less room: fewer columns. All that goes is in the details of the row. */
  @container ranking (width < 980px) {
    table {
      --columns: 70px minmax(130px, 1.4fr) minmax(118px, 0.8fr) minmax(200px, 2.4fr) 62px 66px 48px;
    }
    :is(th, td):is(.featureDim, .bytes) {
      display: none;
    }
  }
  @container ranking (width < 760px) {
    table {
      --columns: 70px minmax(120px, 1fr) minmax(220px, 1.6fr);
    }
    :is(th, td):is(.architecture, .parameters, .latencyMs, .warnings) {
      display: none;
    }
    .under {
      color: var(--muted);
      display: block;
      font-size: 0.92em;
    }
    .scatter {
      display: none;
    }
  }
  @container ranking (width < 520px) {
    table {
      --columns: 52px minmax(0, 1fr) 8.2em;
    }
    thead > tr,
    .candidate {
      column-gap: 8px;
    }
    h2 {
      font-size: 1.15em;
    }
    .tool {
      padding: 3px;
    }
    .tool > span {
      clip-path: inset(50%);
      height: 1px;
      overflow: hidden;
      position: absolute;
      width: 1px;
    }
    .facts {
      gap: 2px 14px;
    }
    .facts > div {
      align-items: baseline;
      display: flex;
      gap: 5px;
    }
    thead .rank > div {
      padding-left: 2px;
    }
    .rank > div {
      gap: 2px;
      padding-left: 4px;
    }
    td.score > div {
      align-items: stretch;
      flex-direction: column;
      gap: 0;
    }
    .score {
      padding-right: 6px;
    }
    .value,
    thead .score .sort {
      width: auto;
    }
    .interval {
      flex: none;
    }
    .axis {
      display: none;
    }
    .heading .muted {
      display: block;
      margin-left: 0;
    }
    .expansion > td {
      padding-left: 0;
    }
    .details dl > div,
    .provenance dl > div {
      grid-template-columns: 92px minmax(0, 1fr);
    }
    details > :not(summary) {
      margin-left: 0;
    }
  }

  :host-context(.vscode-reduce-motion) .toggle .icon {
    transition: none;
  }
  :host-context(.vscode-reduce-motion) vscode-progress-bar::part(indicator) {
    animation: none;
    transition: none;
  }
  @media (prefers-reduced-motion: reduce) {
    .toggle .icon {
      transition: none;
    }
  }
  @media print {
    :host {
      max-width: none;
      padding: 0;
    }
    .toolbar,
    .filter,
    .toggle,
    .sort .icon {
      display: none;
    }
    thead {
      position: static;
    }
    thead .rank > div {
      padding-left: 6px;
    }
    .candidate {
      content-visibility: visible;
    }
    .candidate,
    .details,
    .scatter {
      break-inside: avoid;
    }
    * {
      print-color-adjust: exact;
    }
  }
`;
