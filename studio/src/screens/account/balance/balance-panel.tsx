import { useEffect } from 'preact/hooks';

import type { Generation } from '../../../api/schemas';
import { balance } from '../../../app/balance';
import { to } from '../../../app/routes';
import { session } from '../../../app/session';
import { credits } from '../../../parts/numbers';
import { ListEnd } from '../../../parts/list-end';
import { Time } from '../../../parts/time';
import { usePages, type Pages } from '../../../state/pages';

/** The credits: what can be spent, and what unfinished generations hold. */
export function BalancePanel({ holders }: { holders: Pages<Generation> }) {
  const { value } = balance;
  const shop = session.value?.credits_url;
  return (
    <section class="glass panel stacked" aria-labelledby="credits">
      <div class="panel-top">
        <h2 id="credits">Credits</h2>
        {shop ? (
          <a class="button main" href={shop} rel="noreferrer">
            Get more credits
          </a>
        ) : null}
      </div>
      <dl class="balance-figures">
        <div>
          <dt>Available</dt>
          <dd class="balance-figure">{value ? credits(value.available) : '…'}</dd>
          <dd class="soft small">free to spend</dd>
        </div>
        <div>
          <dt>Held</dt>
          <dd class="balance-figure held">{value ? credits(value.held) : '…'}</dd>
          <dd class="soft small">for unfinished generations, and paid only for results</dd>
        </div>
      </dl>
      <Holders pages={holders} held={value?.held ?? 0} />
    </section>
  );
}

/** The unfinished generations, which hold credits. */
export function useHolders(): Pages<Generation> {
  return usePages<Generation>('/v1/generations', { status: ['queued', 'processing'], limit: 5 });
}

function Holders({ pages, held }: { pages: Pages<Generation>; held: number }) {
  // Each change of the held credits is the begin or the end of a generation.
  useEffect(() => {
    if (!pages.isReading.peek()) void pages.again();
  }, [held]);
  const holders = pages.items.value.filter((each) => each.credits.held > 0);
  if (holders.length === 0) {
    return <p class="soft">{pages.hasMore.value ? 'Reading what holds credits…' : 'Nothing holds credits now.'}</p>;
  }
  return (
    <div class="stacked tight">
      <h3>Held by</h3>
      <ul class="line-list">
        {holders.map((each) => (
          <li class="line" key={each.id}>
            <div>
              <a class="clipped" href={to(`g/${each.id}`)}>
                {each.inputs.prompt || `${each.kind} ${each.id.slice(0, 8)}`}
              </a>
              <p class="soft small">
                {each.model} · {each.status === 'queued' ? 'waits' : `${each.progress} %`} · <Time at={each.created_at} />
              </p>
            </div>
            <p class="amount">{credits(each.credits.held)}</p>
          </li>
        ))}
      </ul>
      {pages.hasMore.value ? <ListEnd pages={pages} waits /> : null}
    </div>
  );
}
