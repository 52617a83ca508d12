/** The models of the picker: filtered and sorted. */
import type { Capabilities, Kind, Model } from '../../../api/schemas';
import { usualPrice } from './prices';

export type Start = 'any' | 'text' | 'image' | 'video';
export type Sorting = 'recommended' | 'price' | 'speed';

/** What a person looks for. Empty texts: everything. */
export interface Wanted {
  kind: Kind;
  text: string;
  maker: string;
  speed: string;
  quality: string;
  /** What the order begins with. */
  start: Start;
  sorting: Sorting;
}

const SPEEDS = ['fast', 'standard', 'slow'];

/** The models that can be ordered, as wanted. */
export function wantedModels(models: readonly Model[], wanted: Wanted): Model[] {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = models.filter(
    (model) =>
      model.status !== 'retired' &&
      model.kind === wanted.kind &&
      (!wanted.maker || model.maker === wanted.maker) &&
      (!wanted.speed || model.speed === wanted.speed) &&
      (!wanted.quality || model.quality === wanted.quality) &&
      (wanted.start === 'any' || takes(model.capabilities, wanted.start)) &&
      words.every((word) => searchable(model).includes(word)),
  );
  if (wanted.sorting === 'price') return found.sort((one, other) => usualPrice(one) - usualPrice(other));
  if (wanted.sorting === 'speed') return found.sort((one, other) => rank(one) - rank(other));
  return found;
}

/** The makers of the models of a kind, by name. */
export function makersOf(models: readonly Model[], kind: Kind): string[] {
  const makers = models.flatMap((model) => (model.kind === kind && model.status !== 'retired' && model.maker ? [model.maker] : []));
  return [...new Set(makers)].sort((one, other) => one.localeCompare(other));
}

/** Whether an order of the model can begin with text alone, with pictures, or with a video. */
export function takes(can: Capabilities | null | undefined, start: Exclude<Start, 'any'>): boolean {
  if (!can) return false;
  if (start === 'image') return can.max_images > 0;
  if (start === 'video') return can.max_videos > 0;
  return can.min_images === 0 && can.min_videos === 0;
}

/** Whether the model takes so many pictures and videos. */
export function takesInputs(model: Model, images: number, videos: number): boolean {
  const can = model.capabilities;
  if (!can || model.status !== 'active') return false;
  return images >= can.min_images && images <= can.max_images && videos >= can.min_videos && videos <= can.max_videos;
}

/** The model to go on with when the current one does not take the inputs: of the same maker first. */
export function modelFor(models: readonly Model[], current: Model | undefined, kind: Kind, images: number, videos: number) {
  if (current?.kind === kind && takesInputs(current, images, videos)) return current;
  const able = models.filter((model) => model.kind === kind && takesInputs(model, images, videos));
  const near = able.filter((model) => model.maker === current?.maker).sort((one, other) => shared(other, current) - shared(one, current));
  return near[0] ?? able[0];
}

// Models of a family share the beginning of their names.
function shared(model: Model, current: Model | undefined): number {
  let length = 0;
  while (length < model.name.length && model.name[length] === current?.name[length]) length += 1;
  return length;
}

function rank({ speed }: Model): number {
  return SPEEDS.indexOf(speed ?? 'standard');
}

function searchable({ name, title, maker, good_for, description, aliases }: Model): string {
  return [name, title, maker, good_for, description, ...aliases].join(' ').toLowerCase();
}
