/** What happened with a variant of a result, from its entry on a timeline. */
import type { TimelineEntry } from '../../api/schemas';

type Details = TimelineEntry['details'];

/** The details that the sentence tells. */
export const IN_SENTENCE: readonly string[] = ['name', 'state', 'message', 'is_being_made'];

/** A variant's name and how far it is, such as "web is ready". */
export function variantInWords(details: Details): string {
  return `${String(details.name)} ${howFar(details)}`;
}

/** Whether the variant will not be made. */
export function isFailed({ state }: Details): boolean {
  return state === 'failed';
}

function howFar(details: Details): string {
  const { state, origin, message, is_being_made: isBeingMade, due_seconds: due } = details;
  if (isFailed(details)) return typeof message === 'string' ? `was not made: ${message}` : 'was not made';
  if (state === 'ready') return origin === 'original' ? 'is ready: the result itself serves' : 'is ready';
  if (isBeingMade === true) return 'is being made';
  return typeof due === 'number' ? 'waits for a worker' : 'waits for its next try';
}
