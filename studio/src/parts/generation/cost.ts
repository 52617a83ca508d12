import type { Generation } from '../../api/schemas';
import { credits } from '../numbers';

/** A number of credits with its unit. */
export function creditsInWords(amount: number): string {
  return `${credits(amount)} ${amount === 1 ? 'credit' : 'credits'}`;
}

/** The cost of a generation that has ended. */
export function costInWords({ credits: { captured, released }, outcome }: Pick<Generation, 'credits' | 'outcome'>): string {
  if (captured > 0) return `${creditsInWords(captured)} charged${outcome ? ': the provider bills stopped work' : ''}.`;
  return released > 0 ? `Not charged: ${creditsInWords(released)} came back.` : 'Not charged.';
}
