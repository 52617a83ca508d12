/** Changes of a generation that cards and details offer. */
import { useState } from 'preact/hooks';

import { post } from '../../api/client';
import { asProblem, type Problem } from '../../api/problem';
import type { Batch, Generation } from '../../api/schemas';
import { refreshBalance } from '../../app/balance';
import { session } from '../../app/session';
import { addPlaced, keep, keepWhole, knownGeneration } from '../../state/generations';
import { noteNotCancellable } from '../../state/orders';
import { announce } from '../announce';
import { toast } from '../toasts';

/** An action of a button: while it runs the button is busy, and a refusal becomes a message. */
export function useAction(run: () => Promise<void>): { act: () => void; isBusy: boolean } {
  const [isBusy, setBusy] = useState(false);
  const act = async () => {
    if (isBusy) return;
    setBusy(true);
    try {
      await run();
    } catch (thrown) {
      showProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };
  return { act: () => void act(), isBusy };
}

/** Show a refusal as a message; without enough credits with the way to more. */
export function showProblem(problem: Problem): void {
  const url = problem.status === 402 ? session.value?.credits_url : null;
  const action = url ? { label: 'Get credits', run: () => void open(url, '_blank', 'noopener') } : null;
  toast(problem.message, { kind: 'failed', action });
}

/** Order a failed or cancelled generation once more. A second press gives the same new generation. */
export async function retryGeneration({ id }: Generation): Promise<Generation> {
  const made = await post<Generation>(`/v1/generations/${id}/retry`);
  addPlaced([made]);
  const old = knownGeneration(id);
  if (old) old.value = { ...old.value, retried_by: made.id };
  announce('Tried again: a new order is in the queue');
  return made;
}

export function useRetry(generation: Generation): { retry: () => void; isBusy: boolean } {
  const { act, isBusy } = useAction(async () => void (await retryGeneration(generation)));
  return { retry: act, isBusy };
}

/** Cancel a generation; a provider that has it is asked to stop. */
export async function cancelGeneration({ id }: Generation): Promise<void> {
  let value: Generation;
  try {
    ({ value } = keepWhole(await post<Generation>(`/v1/generations/${id}/cancel`)));
  } catch (thrown) {
    if (asProblem(thrown).code === 'not_cancellable') noteNotCancellable(id);
    throw thrown;
  }
  announce(value.status === 'cancelled' ? 'Cancelled' : 'The provider is asked to stop');
  void refreshBalance();
}

/** Cancel what can be cancelled of a batch. */
export async function cancelBatch(id: string): Promise<void> {
  const batch = await post<Batch>(`/v1/batches/${id}/cancel`);
  for (const each of batch.generations.data) keep(each);
  announce('Cancelled what could be cancelled');
  void refreshBalance();
}
