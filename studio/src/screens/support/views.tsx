import type { Change } from '../../api/schemas';
import { to } from '../../app/routes';
import { Empty } from '../../parts/empty';
import { ListEnd } from '../../parts/list-end';
import { Time } from '../../parts/time';
import { usePages } from '../../state/pages';

/** The views on record, newest first. They are among the operators' other changes, which are passed over here. */
export function Views() {
  const pages = usePages<Change>('/v1/admin/limit-changes', { limit: 100 });
  const views = pages.items.value.filter(({ action }) => action === 'view');
  return (
    <section class="glass panel stacked" aria-labelledby="views">
      <h2 id="views">Views on record</h2>
      {views.length ? (
        <ul class="line-list">
          {views.map((view) => (
            <li class="line" key={view.id}>
              <div>
                <p>{view.reason ?? 'No reason was given.'}</p>
                <p class="soft small">
                  {view.author} · customer{' '}
                  <a href={to('support', { q: view.name })}>
                    <code>{view.name.slice(0, 8)}</code>
                  </a>
                </p>
              </div>
              <p class="soft small">
                <Time at={view.created_at} />
              </p>
            </li>
          ))}
        </ul>
      ) : null}
      {views.length === 0 && !pages.isReading.value ? (
        <Empty icon="eye">{pages.hasMore.value ? 'No view is among the newest entries of the record.' : 'No customer has been viewed yet.'}</Empty>
      ) : null}
      <ListEnd pages={pages} waits />
    </section>
  );
}
