/** The stages in words, with the percent at their beginning and their end (as `schemas/stages.py` has them). */
import type { QueuePlace, Stage } from '../../api/schemas';

interface StageWords {
  label: string;
  from: number;
  to: number;
}

export const STAGES: Record<Stage, StageWords> = {
  queued: { label: 'In the queue', from: 0, to: 5 },
  submitting: { label: 'Starting', from: 5, to: 15 },
  generating: { label: 'Generating', from: 15, to: 80 },
  downloading: { label: 'Fetching the result', from: 80, to: 90 },
  storing: { label: 'Saving', from: 90, to: 97 },
  settling: { label: 'Finishing', from: 97, to: 100 },
  completed: { label: 'Ready', from: 100, to: 100 },
  failed: { label: 'Failed', from: 0, to: 100 },
  cancelled: { label: 'Cancelled', from: 0, to: 100 },
};

/** The percents at which a stage begins, for marks on the bar. */
export const MARKS = [5, 15, 80, 90, 97] as const;

const REASONS: Record<QueuePlace['reason'], string> = {
  capacity: 'Waits for a place at the provider',
  paused: 'Paused by the operator',
  your_limit: 'Waits for a limit of yours',
  provider_down: 'The provider has trouble; this goes on by itself',
  scheduled: 'Waits for its scheduled start',
  vendor_queue: 'Waits in the queue of the provider',
};

/** Why and where an order waits. */
export function placeInWords({ reason, ahead }: QueuePlace): string {
  if (ahead === null) return REASONS[reason];
  if (ahead === 0) return `${REASONS[reason]}: next`;
  return `${REASONS[reason]}: ${ahead > 5000 ? 'about ' : ''}${new Intl.NumberFormat('en').format(ahead)} before it`;
}
