import { useMemo } from 'preact/hooks';

import type { Usage } from '../../../api/schemas';
import { go, route, to } from '../../../app/routes';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Empty } from '../../../parts/empty';
import { Plot } from './plot';
import { csvOf, plotOf, type Measure } from './series';
import { UsageTable } from './usage-table';

export const RANGES = ['7', '30', '90'] as const;
type Range = (typeof RANGES)[number];

/** The days of the period, from the address of the page. */
export function rangeOf(query: URLSearchParams): Range {
  const named = query.get('days');
  return RANGES.find((each) => each === named) ?? '30';
}

/** The use by day and model, as a plot and as a table. */
export function UsagePanel({ usage, isStale }: { usage: Usage | null; isStale: boolean }) {
  const { query } = route.value;
  const range = rangeOf(query);
  const measure: Measure = query.get('show') === 'credits' ? 'credits' : 'generations';
  const show = (days: string, what: string) =>
    go(to('account', { days: days === '30' ? null : days, show: what === 'generations' ? null : what }), { replace: true });
  const data = useMemo(() => (usage ? plotOf(usage, measure) : null), [usage, measure]);
  return (
    <section class="glass panel stacked usage" aria-labelledby="use" aria-busy={isStale}>
      <div class="panel-top">
        <h2 id="use">Use by day and model</h2>
        {usage && usage.data.length > 0 ? (
          <Button icon="down" onClick={() => download(usage)}>
            CSV
          </Button>
        ) : null}
      </div>
      <div class="choices">
        <Choice
          legend="Period"
          value={range}
          options={RANGES.map((days) => ({ value: days, label: `${days} days` }))}
          onChange={(days) => show(days, measure)}
        />
        <Choice<Measure>
          legend="Show"
          value={measure}
          options={[
            { value: 'generations', label: 'Generations' },
            { value: 'credits', label: 'Credits' },
          ]}
          onChange={(what) => show(range, what)}
        />
      </div>
      <div class="plot-place">
        {data && data.series.length > 0 ? <Plot data={data} unit={measure === 'credits' ? 'Credits' : 'Generations'} /> : null}
        {data && data.series.length === 0 ? (
          <Empty icon="grid">
            {measure === 'credits' && usage?.data.length
              ? 'Nothing was paid for in this period.'
              : 'Nothing was ordered in this period.'}{' '}
            <a href="#/create">Make something</a>
          </Empty>
        ) : null}
      </div>
      {usage && usage.data.length > 0 ? (
        <details>
          <summary>The numbers as a table</summary>
          <UsageTable data={usage.data} />
        </details>
      ) : null}
      <p class="hint">
        A generation counts on the day of its order, in UTC. Credits are those that were paid. Deleted generations are left out.
      </p>
    </section>
  );
}

function download(usage: Usage): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csvOf(usage)], { type: 'text/csv' }));
  link.download = `use-${usage.first_day}-${usage.last_day}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
