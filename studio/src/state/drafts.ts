/** Orders made from earlier generations, for the form. */
import type { Generation, Model, Order } from '../api/schemas';
import { promptOf } from '../parts/media/media';

const COPIED = [
  'negative_prompt',
  'style',
  'aspect_ratio',
  'duration_seconds',
  'fps',
  'resolution',
  'motion',
  'seed',
  'generate_audio',
  'enhance_prompt',
  'output_format',
  'image_urls',
  'video_urls',
] as const;

/** An order with the settings of a generation. */
export function sameSettings(generation: Generation): Partial<Order> {
  const { preview_of: planned, kind } = generation;
  // A preview is ordered by the settings of its video, which takes its shape from the picture.
  const inputs = planned ? { ...planned.inputs, aspect_ratio: generation.inputs.aspect_ratio ?? null } : generation.inputs;
  const model = planned?.text_to_video ?? generation.model;
  const entries = COPIED.map((name) => [name, inputs[name]]).filter(([, value]) => value !== null && value !== undefined);
  const order = { ...(Object.fromEntries(entries) as Partial<Order>), model, prompt: promptOf({ inputs }) };
  return planned ? { ...order, kind: 'video', preview: true } : { ...order, kind };
}

/** The same with another seed; without one where the model takes none. */
export function variation(generation: Generation, model: Model | undefined): Partial<Order> {
  const order = sameSettings(generation);
  const most = model?.capabilities?.max_seed;
  if (most) return { ...order, seed: Math.floor(Math.random() * (Math.min(most, 2 ** 31 - 1) + 1)) };
  delete order.seed;
  return order;
}

/** The result as an input. */
export function asInput({ id, kind }: Generation): Partial<Order> {
  const input = [`generation:${id}`];
  return kind === 'image' ? { image_urls: input, video_urls: [] } : { video_urls: input, image_urls: [] };
}

/** The models that go on where this video ends, those made for its model first. */
export function extenders({ kind, model, inputs }: Generation, models: readonly Model[]): Model[] {
  if (kind !== 'video') return [];
  const able = models.filter(({ status, capabilities }) => {
    if (status !== 'active' || !capabilities?.continues_video) return false;
    const { extends: own, extends_resolutions: resolutions } = capabilities;
    if (own.length && !own.includes(model)) return false;
    return !resolutions.length || !inputs.resolution || resolutions.includes(inputs.resolution);
  });
  return able.sort((one, other) => Number(Boolean(other.capabilities?.extends.length)) - Number(Boolean(one.capabilities?.extends.length)));
}

/** An order of a model that goes on where the video ends. */
export function extension(generation: Generation, model: Model): Partial<Order> {
  const { style } = generation.inputs;
  const order: Partial<Order> = { model: model.name, kind: 'video', prompt: promptOf(generation), ...asInput(generation) };
  return style ? { ...order, style } : order;
}
