/** The entries of the operators' timeline in plain words. */
import type { OperatorsEntry } from '../../api/schemas';

const NAMES: Record<string, string> = {
  accepted: 'accepted',
  moved: 'moved',
  hold: 'credits set aside',
  capture: 'credits taken',
  release: 'credits given back',
  refund: 'credits paid back',
  stored: 'file stored',
  webhook: 'message to an endpoint',
  try_failed: 'tries failed',
};

export function titleOf({ name, stage }: Pick<OperatorsEntry, 'name' | 'stage'>): string {
  return name === 'moved' ? `→ ${stage}` : (NAMES[name] ?? name.replaceAll('_', ' '));
}

/** The facts of an entry, such as "attempt 2 · status 503". */
export function factsOf({ details }: Pick<OperatorsEntry, 'details'>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${written(value)}`)
    .join(' · ');
}

function written(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Whether people look for the reason of a failure here. */
export function isTrouble({ name, stage, calls }: Pick<OperatorsEntry, 'name' | 'stage' | 'calls'>): boolean {
  return name === 'try_failed' || (name === 'moved' && stage === 'failed') || calls.some(({ failure, status }) => failure !== null || (status ?? 0) >= 400);
}
