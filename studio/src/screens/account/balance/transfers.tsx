import type { Transfer } from '../../../api/schemas';
import { to } from '../../../app/routes';
import { Empty } from '../../../parts/empty';
import { ListEnd } from '../../../parts/list-end';
import { Time } from '../../../parts/time';
import type { Pages } from '../../../state/pages';
import { wordsOf } from './transfer-words';

/** Every movement of the credits, newest first. */
export function Transfers({ pages }: { pages: Pages<Transfer> }) {
  const transfers = pages.items.value;
  return (
    <section class="glass panel stacked" aria-labelledby="transfers">
      <h2 id="transfers">Transfers</h2>
      {transfers.length ? (
        <ul class="line-list">
          {transfers.map((transfer) => (
            <Row key={transfer.id} transfer={transfer} />
          ))}
        </ul>
      ) : null}
      {transfers.length === 0 && !pages.hasMore.value ? (
        <Empty icon="coin">No credits have moved yet. An order sets credits aside, and its end takes them or gives them back.</Empty>
      ) : null}
      <ListEnd pages={pages} />
    </section>
  );
}

function Row({ transfer }: { transfer: Transfer }) {
  const { title, effect } = wordsOf(transfer);
  const sign = transfer.available_change;
  const note = transfer.reason ?? transfer.reference;
  return (
    <li class="line">
      <div>
        <p>{title}</p>
        <p class="soft small">
          <Time at={transfer.created_at} />
          {note ? <span> · {note}</span> : null}
          {transfer.generation_id ? (
            <>
              {' · '}
              <a href={to(`g/${transfer.generation_id}`)}>
                see it<span class="visually-hidden"> (generation {transfer.generation_id.slice(0, 8)})</span>
              </a>
            </>
          ) : null}
        </p>
      </div>
      <p class={`amount ${sign > 0 ? 'gain' : sign === 0 ? 'soft' : ''}`}>{effect}</p>
    </li>
  );
}
