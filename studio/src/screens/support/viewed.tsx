import type { Generation } from '../../api/schemas';
import { to } from '../../app/routes';
import { session } from '../../app/session';
import { Badge, type BadgeKind } from '../../parts/badge';
import { Empty } from '../../parts/empty';
import { ListEnd } from '../../parts/list-end';
import { Time } from '../../parts/time';
import { usePages } from '../../state/pages';

const KINDS: Partial<Record<Generation['status'], BadgeKind>> = { completed: 'good', failed: 'bad', processing: 'warn', queued: 'warn' };

/** The newest generations of the customer in view, with the way to what happened to each. */
export function Viewed({ isOperator }: { isOperator: boolean }) {
  const pages = usePages<Generation>('/v1/generations', { limit: 10 });
  const viewing = session.value?.viewing;
  const generations = pages.items.value;
  return (
    <section class="glass panel stacked" aria-labelledby="viewed">
      <div class="panel-top">
        <h2 id="viewed" class="clipped">
          In view: {viewing?.customer.name}
        </h2>
        <p class="soft small">
          since <Time at={viewing?.since ?? ''} />
        </p>
      </div>
      <p class="actions">
        <a class="button plain" href="#/gallery">
          Gallery
        </a>
        <a class="button plain" href="#/account">
          Account
        </a>
        <a class="button plain" href="#/account/keys">
          Keys
        </a>
        <a class="button plain" href="#/account/webhooks">
          Webhooks
        </a>
      </p>
      {generations.length ? (
        <ul class="line-list">
          {generations.map((each) => (
            <li class="line" key={each.id}>
              <div>
                <a class="clipped" href={to(`g/${each.id}`)}>
                  {each.inputs.prompt || `${each.kind} ${each.id.slice(0, 8)}`}
                </a>
                <p class="soft small">
                  {each.model} · <Time at={each.created_at} />
                  {isOperator ? (
                    <>
                      {' · '}
                      <a href={to(`support/g/${each.id}`)}>
                        what happened<span class="visually-hidden"> to {each.id.slice(0, 8)}</span>
                      </a>
                    </>
                  ) : null}
                </p>
              </div>
              <Badge kind={KINDS[each.status] ?? 'plain'}>{each.status}</Badge>
            </li>
          ))}
        </ul>
      ) : null}
      {generations.length === 0 && !pages.hasMore.value ? <Empty icon="image">This customer has ordered nothing yet.</Empty> : null}
      <ListEnd pages={pages} waits />
    </section>
  );
}
