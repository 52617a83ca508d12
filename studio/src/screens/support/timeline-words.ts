/** The entries of the operators' timeline in plain words. */
import type { OperatorsEntry } from '../../api/schemas';
import { IN_SENTENCE, isFailed, variantInWords } from '../../parts/generation/variant';

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

export function titleOf({ name, stage, details }: Pick<OperatorsEntry, 'name' | 'stage' | 'details'>): string {
  if (name === 'variant') return `variant ${variantInWords(details)}`;
  return name === 'moved' ? `→ ${stage}` : (NAMES[name] ?? name.replaceAll('_', ' '));
}

/** The facts of an entry beside its title, such as "attempt 2 · status 503". */
export function factsOf({ name: kind, details }: Pick<OperatorsEntry, 'name' | 'details'>): string {
  const told = kind === 'variant' ? IN_SENTENCE : [];
  return Object.entries(details)
    .filter(([name, value]) => value !== null && value !== '' && !told.includes(name))
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${written(value)}`)
    .join(' · ');
}

function written(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Whether people look for the reason of a failure here. */
export function isTrouble({ name, stage, details, calls }: Pick<OperatorsEntry, 'name' | 'stage' | 'details' | 'calls'>): boolean {
  const hasFailed = name === 'try_failed' || (name === 'moved' && stage === 'failed') || (name === 'variant' && isFailed(details));
  return hasFailed || calls.some(({ failure, status }) => failure !== null || (status ?? 0) >= 400);
}
