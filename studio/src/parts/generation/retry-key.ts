import { useEffect } from 'preact/hooks';

import { asProblem } from '../../api/problem';
import type { Generation } from '../../api/schemas';
import { isNoCommand } from '../../app/keys';
import { isReadOnly } from '../../app/session';
import { retryGeneration, showProblem } from './actions';

/** `R` tries again what `find` gives, if that ended without a result. */
export function useRetryKey(find: () => Generation | undefined): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'r' || event.repeat || isNoCommand(event) || isReadOnly.value) return;
      const wanted = find();
      if (wanted && mayRetry(wanted)) void retryGeneration(wanted).catch((thrown: unknown) => showProblem(asProblem(thrown)));
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** Whether the generation ended without a result, may succeed another time, and was not tried again yet. */
export function mayRetry({ status, outcome, retried_by }: Generation): boolean {
  return (status === 'failed' || status === 'cancelled') && outcome?.retryable !== false && !retried_by;
}
