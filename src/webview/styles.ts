import { unsafeCSS } from 'lit';
import base from './styles/base.css';
import chart from './styles/chart.css';
import details from './styles/details.css';
import filter from './styles/filter.css';
import footer from './styles/footer.css';
import header from './styles/header.css';
import narrowTable from './styles/narrowTable.css';
import status from './styles/status.css';
import table from './styles/table.css';

/** One sheet per part of the view, adopted by its shadow root: the content security policy allows no `<style>`. */
export const styles = [base, header, filter, table, narrowTable, chart, details, footer, status].map(unsafeCSS);
