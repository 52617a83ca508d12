/** The entries of a timeline as sentences. */
import type { Stage, TimelineEntry } from '../../api/schemas';
import { creditsInWords } from '../../parts/generation/cost';
import { variantInWords } from '../../parts/generation/variant';
import { bytes, seconds } from '../../parts/numbers';

type Details = TimelineEntry['details'];

const MOVES: Record<Stage, string> = {
  queued: 'In the queue',
  submitting: 'Being sent to the provider',
  generating: 'The provider works on it',
  downloading: 'The provider is done; the result is fetched',
  storing: 'The result is checked and stored',
  settling: 'The credits are settled',
  completed: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

const WORDS: Record<string, (entry: TimelineEntry) => string> = {
  moved: ({ stage, details }) => `${MOVES[stage]}${told(details)}`,
  hold: ({ details }) => `${amount(details)} held`,
  capture: ({ details }) => `${amount(details)} charged`,
  release: ({ details }) => `${amount(details)} came back`,
  refund: ({ details }) => `${amount(details)} refunded`,
  try_failed: ({ details }) => tries(details),
  stored: ({ details }) => `${details.role === 'poster' ? 'Still picture' : 'Result'} stored${measures(details)}`,
  variant: ({ details }) => `Variant ${variantInWords(details)}${measures(details)}`,
  webhook: ({ details }) => webhook(details),
  cancel_requested: () => 'You asked to cancel it',
  cancel_too_late: () => 'The cancel came too late: the result was ready',
  expired: () => 'The time of the file was over, and the file was deleted',
};

/** The sentence of an entry. Null: a kind that the page does not know. */
export function inWords(entry: TimelineEntry): string | null {
  return WORDS[entry.name]?.(entry) ?? null;
}

function told(details: Details): string {
  const { message, is_charged: isCharged } = details;
  if (typeof message === 'string') return `: ${message}`;
  if (typeof isCharged === 'boolean') return isCharged ? ', and charged' : ', and not charged';
  return '';
}

function amount({ amount: value }: Details): string {
  return typeof value === 'number' ? creditsInWords(value) : 'Credits';
}

function tries({ times }: Details): string {
  const several = typeof times === 'number' && times > 1;
  return several ? `${times} tries failed, and were repeated` : 'A try failed, and was repeated';
}

/** The facts of a file, such as " (16 × 9, 2.0 kB)". Empty without facts. */
function measures({ width, height, size_bytes: size, duration_seconds: length }: Details): string {
  const facts = [
    typeof width === 'number' && typeof height === 'number' ? `${width} × ${height}` : '',
    typeof length === 'number' ? seconds(length) : '',
    typeof size === 'number' ? bytes(size) : '',
  ].filter(Boolean);
  return facts.length ? ` (${facts.join(', ')})` : '';
}

function webhook({ type, number, status, error, state }: Details): string {
  const name = `Message ${typeof type === 'string' ? type : ''}`.trim();
  if (typeof number !== 'number') return `${name}: ${typeof state === 'string' ? state : 'waits'}`;
  const answer = typeof status === 'number' ? `answered with ${status}` : typeof error === 'string' ? error : 'no answer';
  return `${name}, try ${number}: ${answer}`;
}
