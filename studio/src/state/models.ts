import { signal } from '@preact/signals';

import { get } from '../api/client';
import { asProblem } from '../api/problem';
import type { Model } from '../api/schemas';

/** All models of the catalogue. Null: not read yet. */
export const models = signal<Model[] | null>(null);

/** Why the models could not be read. */
export const modelsProblem = signal<string | null>(null);

/** Read the catalogue, once. */
export async function readModels(): Promise<void> {
  if (models.value) return;
  try {
    models.value = (await get<{ data: Model[] }>('/v1/models')).data;
    modelsProblem.value = null;
  } catch (thrown) {
    modelsProblem.value = asProblem(thrown).message;
  }
}

/** A model by its name or an alias. */
export function modelNamed(name: string): Model | undefined {
  return models.value?.find((each) => each.name === name || each.aliases.includes(name));
}
