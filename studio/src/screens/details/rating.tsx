import { useSignal } from '@preact/signals';

import { post } from '../../api/client';
import type { Generation } from '../../api/schemas';
import { isReadOnly } from '../../app/session';
import { announce } from '../../parts/announce';
import { Choice } from '../../parts/choice';
import { useAction } from '../../parts/generation/actions';
import { keep } from '../../state/generations';

const WORDS = ['Poor', 'Fair', 'Good', 'Very good', 'Excellent'] as const;

/** Rates a result, 1 to 5. */
export function Rating({ generation }: { generation: Generation }) {
  // The choice that is being sent.
  const wanted = useSignal<number | null>(null);
  const { act } = useAction(async () => {
    try {
      keep(await post<Generation>(`/v1/generations/${generation.id}/rating`, { rating: wanted.value }));
      announce(`Rated ${wanted.value} of 5`);
    } finally {
      wanted.value = null;
    }
  });
  if (generation.status !== 'completed') return null;
  const rating = wanted.value ?? generation.rating;
  return (
    <Choice
      legend="Your rating"
      options={WORDS.map((word, at) => ({
        value: String(at + 1),
        label: <span class={`star${rating && at < rating ? ' full' : ''}`}>{at + 1} ★</span>,
        title: `${at + 1} of 5: ${word}`,
        disabled: isReadOnly.value,
      }))}
      value={rating ? String(rating) : null}
      onChange={(value) => {
        wanted.value = Number(value);
        act();
      }}
    />
  );
}
