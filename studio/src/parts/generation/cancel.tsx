import type { Generation } from '../../api/schemas';
import { isReadOnly } from '../../app/session';
import { isCancellable } from '../../state/orders';
import { Button } from '../button';
import { cancelGeneration, useAction } from './actions';

/** Cancels a generation. Nothing where that cannot be. */
export function Cancel({ generation }: { generation: Generation }) {
  const { act, isBusy } = useAction(() => cancelGeneration(generation));
  if (isReadOnly.value || !isCancellable(generation)) return null;
  return (
    <Button icon="stop" onClick={act} isBusy={isBusy}>
      Cancel
    </Button>
  );
}
