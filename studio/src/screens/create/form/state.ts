/** The state of the form: its values, its model, and the order that they make. */
import { computed, effect, signal } from '@preact/signals';

import type { Kind, Model } from '../../../api/schemas';
import { session } from '../../../app/session';
import { modelNamed, models } from '../../../state/models';
import { clearInputs, inputs } from './inputs-list';
import { remember, remembered } from './memory';
import { modelFor } from './model-list';
import { EMPTY, orderOf, type Values } from './values';

export const values = signal<Values>(EMPTY);

/** Whether the person has tried to order: until then, a field that is still empty is no mistake. */
export const hasTried = signal(false);

const customerId = computed(() => session.value?.customer?.id ?? null);

// The values are those of the customer who is signed in.
let owner: string | null = null;
effect(() => {
  if (customerId.value === owner || customerId.value === null) return;
  owner = customerId.value;
  clearInputs();
  hasTried.value = false;
  values.value = remembered(owner);
});
effect(() => {
  const { value } = values;
  if (owner !== null && value !== EMPTY) remember(owner, value);
});

/** The chosen model: the last one of the kind, else the first of the catalogue. */
export const model = computed<Model | undefined>(() => {
  const { kind, models: last } = values.value;
  const kept = modelNamed(last[kind] ?? '');
  if (kept?.status === 'active' && kept.kind === kind) return kept;
  return modelFor(models.value ?? [], undefined, kind, 0, 0) ?? models.value?.find((each) => each.kind === kind && each.status === 'active');
});

// A model whose result is as long as its video gets a length that covers a new video.
let measured: number | null = null;
effect(() => {
  const video = inputs.value.find(({ media, seconds }) => media === 'video' && seconds !== null);
  const can = model.value?.capabilities;
  if (!can?.keeps_video_length || !video || video.id === measured) return;
  measured = video.id;
  const covering = can.durations_seconds.find((seconds) => seconds >= (video.seconds ?? 0) - 0.5);
  if (covering !== undefined) change({ duration_seconds: covering });
});

/** The order that the form makes now. Null: the models are not known yet. */
export const order = computed(() => (model.value ? orderOf(values.value, inputs.value, model.value) : null));

export function change(fields: Partial<Values>): void {
  values.value = { ...values.value, ...fields };
}

export function chooseModel({ kind, name }: Model): void {
  change({ kind, models: { ...values.value.models, [kind]: name }, compared: [] });
}

/** Take a model that fits the inputs, if the current one does not. Returns the new model, if there is one. */
export function fitModel(kind: Kind, images: number, videos: number): Model | null {
  const fitting = modelFor(models.value ?? [], model.value, kind, images, videos);
  if (!fitting || fitting === model.value) return null;
  chooseModel(fitting);
  return fitting;
}
