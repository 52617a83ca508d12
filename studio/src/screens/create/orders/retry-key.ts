import { useEffect } from 'preact/hooks';

import { asProblem } from '../../../api/problem';
import type { Generation } from '../../../api/schemas';
import { isTyping } from '../../../app/keys';
import { isReadOnly } from '../../../app/session';
import { retryGeneration, showProblem } from '../../../parts/generation/actions';
import { knownGeneration } from '../../../state/generations';
import { orders } from '../../../state/orders';

/** `R` tries the order of the focused card again, or else the newest one that failed. */
export function useRetryKey(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'r' || event.repeat || isTyping(event) || isReadOnly.value) return;
      const wanted = ofFocus() ?? orders.value?.map(({ value }) => value).find(mayRetry);
      if (wanted && mayRetry(wanted)) void retryGeneration(wanted).catch((thrown: unknown) => showProblem(asProblem(thrown)));
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function ofFocus(): Generation | undefined {
  const card = document.activeElement?.closest<HTMLElement>('[data-order]');
  return card ? knownGeneration(card.dataset['order'] ?? '')?.value : undefined;
}

function mayRetry({ status, outcome, retried_by }: Generation): boolean {
  return (status === 'failed' || status === 'cancelled') && outcome?.retryable !== false && !retried_by;
}
