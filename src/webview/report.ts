import './noEval.ts';
import { rankingReportSchema } from '../protocol/report.ts';
import { adoptStyles } from './page.ts';
import { RankingView } from './rankingView.ts';
import { reportPageStyles } from './theme.ts';

adoptStyles(reportPageStyles);

const view = new RankingView();
view.placement = 'report';

try {
  const report = rankingReportSchema.parse(JSON.parse(document.getElementById('emms-report')?.textContent ?? ''));
  view.viewState = { report, running: null, problem: null };
} catch {
  view.notice = 'This file holds no ranking that its page can read. Write it again with “emms rank --html”.';
}

// What is folded on the screen is printed.
window.addEventListener('beforeprint', () => {
  for (const details of view.renderRoot.querySelectorAll('details')) details.open = true;
});

document.body.append(view);
