import type { Limits, Me } from '../../api/schemas';
import { Meter } from '../../parts/meter';
import { credits } from '../../parts/numbers';
import { Time } from '../../parts/time';

/** The limits of the customer and of the key, and how much of them is used. */
export function LimitsPanel({ me }: { me: Me }) {
  const { limits, key } = me;
  const hasOfKey = key.daily_cap !== null || key.in_flight !== null || key.per_day !== null;
  return (
    <section class="glass panel stacked" aria-labelledby="limits">
      <h2 id="limits">Limits</h2>
      {limits ? <OfCustomer limits={limits} /> : <p class="soft">No limits are set for this account.</p>}
      {hasOfKey ? (
        <div class="stacked tight">
          <h3>Of the key {key.name ?? `${key.prefix}…`}</h3>
          {key.daily_cap !== null ? (
            <Meter label="Credits today" used={key.spent_today ?? 0} most={key.daily_cap} write={credits} />
          ) : null}
          {key.in_flight !== null ? (
            <Meter label="At the same time" used={key.used?.in_flight ?? 0} most={key.in_flight} write={credits} />
          ) : null}
          {key.per_day !== null ? (
            <Meter label="Generations today" used={key.used?.today ?? 0} most={key.per_day} write={credits} />
          ) : null}
        </div>
      ) : null}
    </section>
  );
}

export function OfCustomer({ limits }: { limits: Limits }) {
  const { used } = limits;
  return (
    <div class="stacked tight">
      <Meter label="Generations at the same time" used={used.in_flight} most={limits.in_flight} write={credits} />
      <Meter label="Generations today" used={used.today} most={limits.per_day} write={credits} />
      <Meter label="Credits today" used={used.credits_today} most={limits.credits_per_day} write={credits} />
      <p class="hint">
        {limits.on_limit === 'wait' ? 'An order over a limit waits in the queue.' : 'An order over a limit is refused.'} The day ends{' '}
        <Time at={limits.resets_at} /> (midnight in UTC).
      </p>
    </div>
  );
}
