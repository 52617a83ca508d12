import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';

import { get } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { Me, Transfer, Usage } from '../../api/schemas';
import { refreshBalance } from '../../app/balance';
import { route } from '../../app/routes';
import { ProblemNote } from '../../parts/problem-note';
import { usePages } from '../../state/pages';
import { BalancePanel, useHolders } from './balance/balance-panel';
import { Transfers } from './balance/transfers';
import { LimitsPanel } from './limits-panel';
import { StoragePanel } from './storage-panel';
import { period } from './usage/series';
import { rangeOf, UsagePanel } from './usage/usage-panel';

/** The balance, the use, the limits, the storage and the transfers. */
export function Overview() {
  const me = useSignal<Me | null>(null);
  const usage = useSignal<Usage | null>(null);
  const isStale = useSignal(true);
  const problem = useSignal<Problem | null>(null);
  const holders = useHolders();
  const transfers = usePages<Transfer>('/v1/credits/transfers', { limit: 25 });
  const days = rangeOf(route.value.query);

  const readMe = async () => {
    try {
      me.value = await get<Me>('/v1/me');
      problem.value = null;
    } catch (thrown) {
      problem.value = asProblem(thrown);
    }
  };
  useEffect(() => {
    void readMe();
    void refreshBalance();
  }, []);
  useEffect(() => {
    const end = new AbortController();
    isStale.value = true;
    get<Usage>('/v1/usage', period(Number(days)), end.signal)
      .then((found) => {
        usage.value = found;
        isStale.value = false;
      })
      .catch((thrown: unknown) => {
        if (!end.signal.aborted) problem.value = asProblem(thrown);
      });
    return () => end.abort();
  }, [days]);

  if (problem.value && !me.value) return <ProblemNote problem={problem.value} onRetry={() => void readMe()} />;
  // A part comes when the parts above are complete, so that nothing moves.
  const areHoldersKnown = holders.items.value.length > 0 || !holders.hasMore.value || holders.problem.value !== null;
  const hasTop = me.value !== null && areHoldersKnown;
  return (
    <div class="overview" aria-busy={!hasTop}>
      {problem.value ? <ProblemNote problem={problem.value} /> : null}
      <div class="stacked">
        <BalancePanel holders={holders} />
        {me.value && hasTop ? (
          <>
            <LimitsPanel me={me.value} />
            <StoragePanel me={me.value} usage={usage.value} />
          </>
        ) : null}
      </div>
      {hasTop ? (
        <div class="stacked">
          <UsagePanel usage={usage.value} isStale={isStale.value} />
          {usage.value || problem.value ? <Transfers pages={transfers} /> : null}
        </div>
      ) : null}
    </div>
  );
}
