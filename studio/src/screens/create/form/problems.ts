/** The reason at each field why the order cannot be. */
import { computed, signal } from '@preact/signals';

import { sentence, type Problem } from '../../../api/problem';
import { estimated } from './estimate';
import { inputs } from './inputs-list';
import { lengthOf } from './counting';
import { hasTried, model, order, values } from './state';
import { EMPTY } from './values';

/** The refusal of the last press of the button, and the order that was refused. */
export const refusal = signal<{ problem: Problem; order: string } | null>(null);

/** The refusal while the order is still the refused one. */
export const currentRefusal = computed(() => (refusal.value?.order === JSON.stringify(order.value) ? refusal.value.problem : null));

/** The reasons by the fields of the form. */
export const reasons = computed<Readonly<Record<string, string>>>(() => ({
  ...told(estimated.value.isOld ? null : estimated.value.problem),
  ...told(currentRefusal.value),
  ...ours(),
}));

/** A reason at a field that the form does not show. */
export const strayReason = computed(() => {
  const stray = Object.entries(reasons.value).find(([name]) => !(name in EMPTY) && !SHOWN.includes(name));
  return stray ? `${stray[0]}: ${stray[1]}` : null;
});

const SHOWN = ['model', 'image_urls', 'video_urls'];

/** The reasons of a refusal by the first part of each field's name: `image_urls.0` is at `image_urls`. */
export function told(problem: Problem | null): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, message } of problem?.fields ?? []) {
    const [name = '', place] = field.replace(/^requests\.\d+\./, '').split('.');
    // Messages go on after the name of their field.
    const isOfList = place !== undefined && /^\d+$/.test(place);
    found[name] ??= isOfList ? sentence(`No. ${Number(place) + 1} ${message}`) : sentence(message);
  }
  return found;
}

// The reasons that need no request.
function ours(): Record<string, string> {
  const can = model.value?.capabilities;
  const found: Record<string, string> = {};
  if (!can) return found;
  const { prompt, negative_prompt: negative } = values.value;
  const tooLong = (text: string, most: number) => lengthOf(text.trim(), can.prompt_unit) > most;
  if (hasTried.value && can.uses_prompt && !prompt.trim()) found['prompt'] = 'Describe what you want to see.';
  if (tooLong(prompt, can.prompt_characters)) found['prompt'] = `This model reads up to ${can.prompt_characters} characters.`;
  if (can.negative_prompt_characters && tooLong(negative, can.negative_prompt_characters)) {
    found['negative_prompt'] = `This model reads up to ${can.negative_prompt_characters} characters.`;
  }
  const missing = (media: 'image' | 'video', least: number) =>
    inputs.value.filter((each) => each.media === media && !each.problem).length < least;
  if (hasTried.value && missing('image', can.min_images)) found['image_urls'] = needs(can.min_images, 'picture');
  if (hasTried.value && missing('video', can.min_videos)) found['video_urls'] = needs(can.min_videos, 'video');
  return found;
}

function needs(count: number, thing: string): string {
  return count === 1 ? `This model needs a ${thing}.` : `This model needs ${count} ${thing}s.`;
}
