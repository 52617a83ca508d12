/** Deletes generations after a delay in which the person can undo. Lists leave out what is being deleted. */
import { signal } from '@preact/signals';

import { send } from '../api/client';
import { asProblem } from '../api/problem';
import { announce } from '../parts/announce';
import { toast } from '../parts/toasts';
import { forgetGeneration } from './generations';

/** As long as the message with the undo shows. */
const DELAY = 8000;

/** The ids of the generations that are deleted, or will be after the delay. */
export const deleting = signal<ReadonlySet<string>>(new Set());

const waiting = new Map<string, ReturnType<typeof setTimeout>>();

/** Delete a generation after a delay; a message offers the undo, after which `onUndo` runs. */
export function deleteWithUndo(id: string, onUndo: () => void = () => undefined): void {
  if (deleting.value.has(id)) return;
  deleting.value = new Set([...deleting.value, id]);
  waiting.set(id, setTimeout(() => void deleteNow(id), DELAY));
  announce('Deleted. Undo is in the messages.');
  toast('Deleted', { action: { label: 'Undo', run: () => undo(id) && onUndo() } });
}

/** Whether it was not too late. */
function undo(id: string): boolean {
  clearTimeout(waiting.get(id));
  if (!waiting.delete(id)) {
    toast('It is deleted already.', { kind: 'failed' });
    return false;
  }
  restore(id);
  announce('Not deleted');
  return true;
}

function restore(id: string): void {
  deleting.value = new Set([...deleting.value].filter((each) => each !== id));
}

async function deleteNow(id: string, isLast = false): Promise<void> {
  waiting.delete(id);
  try {
    await send('DELETE', `/v1/generations/${encodeURIComponent(id)}`, { keepalive: isLast });
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (problem.status !== 404) {
      restore(id);
      return void toast(`Not deleted. ${problem.message}`, { kind: 'failed' });
    }
  }
  forgetGeneration(id);
}

// The person has confirmed: a page that closes within the delay deletes at once.
addEventListener('pagehide', () => {
  for (const [id, timer] of waiting) {
    clearTimeout(timer);
    void deleteNow(id, true);
  }
});
