import type { Transfer } from '../../../api/schemas';
import { credits } from '../../../parts/numbers';

interface Words {
  /** What happened. */
  title: string;
  /** The effect in numbers. */
  effect: string;
}

const TITLES: Record<Transfer['kind'], string> = {
  grant: 'Credits added',
  hold: 'Set aside for a generation',
  capture: 'Paid for a generation',
  release: 'Given back: the generation cost nothing',
  refund: 'Paid back',
};

/** A transfer in plain words. */
export function wordsOf({ kind, amount, available_change: change }: Transfer): Words {
  const title = TITLES[kind] ?? kind;
  if (change === 0) return { title, effect: `${credits(amount)} from held` };
  return { title, effect: `${change > 0 ? '+' : '−'}${credits(Math.abs(change))}` };
}
