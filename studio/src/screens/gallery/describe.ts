/** The words on a card, and the words that a screen reader says for it. */
import type { Signal } from '@preact/signals';

import type { Generation } from '../../api/schemas';
import { isGone, lengthOf, posterOf, promptOf } from '../../parts/media/media';
import { signOf } from '../../parts/media/thumb';
import { credits } from '../../parts/numbers';
import { ago } from '../../parts/time';
import { modelNamed } from '../../state/models';
import type { Entry } from './list';

/** The generation whose picture stands for an entry: the newest with a picture. */
export function coverOf({ generations }: Entry): Signal<Generation> {
  const cover = generations.find(({ value }) => posterOf(value)) ?? generations[0];
  if (!cover) throw new Error('an entry without generations');
  return cover;
}

/** What stands in the picture's corner: the count of a stack, the length of a video. */
export function badgeOf({ generations }: Entry, cover: Generation): string | undefined {
  if (generations.length > 1) return `${generations.length} ×`;
  return cover.kind === 'video' ? `▶ ${lengthOf(cover) ?? ''}`.trim() : undefined;
}

/** The line below the prompt. */
export function factsOf(generation: Generation): string {
  const stars = generation.rating ? ` · ★ ${generation.rating}` : '';
  return `${ago(generation.created_at)} · ${titleOf(generation.model)}${stars}`;
}

/** The name of a model for people. */
export function titleOf(model: string): string {
  return modelNamed(model)?.title ?? model;
}

const STATUSES = { queued: 'queued', processing: 'in progress', completed: 'completed', failed: 'failed', cancelled: 'cancelled' };

/** A card as a sentence: the words that show, and then what it is. */
export function labelOf({ generations }: Entry, cover: Generation): string {
  const facts = [
    generations.length > 1 ? `batch of ${generations.length}` : cover.kind,
    isGone(cover) ? 'no longer available' : STATUSES[cover.status],
    lengthOf(cover) ?? '',
    `${credits(cover.credits.price)} credits`,
    titleOf(cover.model),
    ago(cover.created_at),
    cover.rating ? `rated ${cover.rating} of 5` : '',
  ];
  const sign = posterOf(cover) ? '' : `${signOf(cover).text} `;
  return `${sign}${promptOf(cover)}: ${facts.filter(Boolean).join(', ')}`;
}
