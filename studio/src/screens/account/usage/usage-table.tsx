import type { UsageOfModel } from '../../../api/schemas';
import { credits, seconds } from '../../../parts/numbers';
import { DataTable } from '../../../parts/data-table';

const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });

/** The numbers of the plot, and more of them, as a table. */
export function UsageTable({ data }: { data: readonly UsageOfModel[] }) {
  return (
    <DataTable<UsageOfModel>
      caption="Use by day and model"
      rows={data}
      keyOf={(row) => `${row.day} ${row.model}`}
      columns={[
        { name: 'Day', cell: (row) => day.format(new Date(row.day)), isHeading: true },
        { name: 'Model', cell: (row) => row.model },
        { name: 'Generations', cell: (row) => credits(row.count), isNumber: true },
        { name: 'Completed', cell: (row) => credits(row.completed), isNumber: true },
        { name: 'Failed', cell: (row) => credits(row.failed), isNumber: true },
        { name: 'Cancelled', cell: (row) => credits(row.cancelled), isNumber: true },
        { name: 'Credits', cell: (row) => credits(row.credits), isNumber: true },
        { name: 'Usual time', cell: (row) => (row.render_seconds ? seconds(row.render_seconds.p50) : '–'), isNumber: true },
        { name: 'Downloads', cell: (row) => credits(row.downloads), isNumber: true },
      ]}
    />
  );
}
