/** Lengths of prompts, as models count them. */
import type { Capabilities } from '../../../api/schemas';

/** The length of a text in the unit of a model's limits. */
export function lengthOf(text: string, unit: Capabilities['prompt_unit']): number {
  if (unit === 'utf16') return text.length;
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
