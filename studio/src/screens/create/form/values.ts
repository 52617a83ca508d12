/** The values of the form, and the order that they make with a model. */
import type { Capabilities, Kind, Model, OrderFields } from '../../../api/schemas';
import type { Input } from './inputs-list';

/** The wishes of the person. A wish that the chosen model cannot follow stays, for the next model that can. */
export interface Values {
  kind: Kind;
  /** The chosen model of each kind. */
  models: Partial<Record<Kind, string>>;
  prompt: string;
  negative_prompt: string;
  style: string | null;
  aspect_ratio: string | null;
  resolution: string | null;
  output_format: string | null;
  duration_seconds: number | null;
  fps: number | null;
  generate_audio: boolean | null;
  motion: number | null;
  enhance_prompt: boolean | null;
  seed: number | null;
  number_of_outputs: number;
  /** Whether a picture of the first frame comes before the video. */
  preview: boolean;
  priority: 'low' | 'normal' | 'high';
  /** The earliest start, as a field for local times has it. Empty: now. */
  not_before: string;
  /** Models that make the same beside the chosen one. */
  compared: string[];
}

export const EMPTY: Values = {
  kind: 'image',
  models: {},
  prompt: '',
  negative_prompt: '',
  style: null,
  aspect_ratio: null,
  resolution: null,
  output_format: null,
  duration_seconds: null,
  fps: null,
  generate_audio: null,
  motion: null,
  enhance_prompt: null,
  seed: null,
  number_of_outputs: 1,
  preview: false,
  priority: 'normal',
  not_before: '',
  compared: [],
};

/** The value of a choice: the wish if the model has it, else the model's default. */
export function chosen<T>(choices: readonly T[], wish: T | null, usual: T | null | undefined): T | null {
  if (wish !== null && choices.includes(wish)) return wish;
  return usual ?? choices[0] ?? null;
}

/** The values of the model's choices, as the form shows and orders them. Null: the model has no such choice. */
export function choicesOf(values: Values, model: Model, hasPicture: boolean) {
  const { capabilities: can, defaults } = model;
  if (!can) return null;
  const of = <T>(choices: readonly T[], wish: T | null, usual: T | null | undefined) =>
    choices.length ? chosen(choices, wish, usual) : null;
  return {
    aspect_ratio: can.keeps_image_shape && hasPicture ? null : of(can.aspect_ratios, values.aspect_ratio, defaults?.aspect_ratio),
    resolution: of(can.resolutions, values.resolution, defaults?.resolution),
    output_format: of<string>(can.output_formats, values.output_format, defaults?.output_format),
    duration_seconds: of(can.durations_seconds, values.duration_seconds, defaults?.duration_seconds),
    fps: of(can.frame_rates, values.fps, defaults?.fps),
    generate_audio: hasSoundChoice(can) ? (values.generate_audio ?? defaults?.generate_audio ?? false) : null,
    style: model.styles.includes(values.style ?? '') ? values.style : null,
    motion: can.motion ? values.motion : null,
    enhance_prompt: can.enhance_prompt && can.keeps_prompt ? values.enhance_prompt : null,
    seed: can.max_seed ? values.seed : null,
    negative_prompt: can.negative_prompt_characters ? values.negative_prompt.trim() || null : null,
  };
}

export function hasSoundChoice(can: Capabilities): boolean {
  return can.audio && can.silence;
}

/** Whether a preview can come before the video: another model then makes the video from the picture. */
export function hasPreview(model: Model): boolean {
  return Boolean(model.image_to_video);
}

/** The order that the form makes. Pictures and videos that the model does not take are left out. */
export function orderOf(values: Values, inputs: readonly Input[], model: Model): OrderFields {
  const can = model.capabilities;
  const images = urls(inputs, 'image').slice(0, can?.max_images ?? 0);
  const videos = urls(inputs, 'video').slice(0, can?.max_videos ?? 0);
  const order: Record<string, unknown> = { model: model.name, prompt: promptOf(values, model) };
  for (const [name, value] of Object.entries(choicesOf(values, model, images.length > 0) ?? {})) {
    if (value !== null) order[name] = value;
  }
  if (images.length) order['image_urls'] = images;
  if (videos.length) order['video_urls'] = videos;
  if (values.number_of_outputs > 1) order['number_of_outputs'] = values.number_of_outputs;
  if (values.preview && hasPreview(model) && !images.length && !videos.length) order['preview'] = true;
  if (values.priority !== 'normal') order['priority'] = values.priority;
  const start = values.not_before ? new Date(values.not_before) : null;
  if (start && !Number.isNaN(start.getTime())) order['not_before'] = start.toISOString();
  return order as OrderFields;
}

// A model that ignores the prompt wants one anyway.
function promptOf(values: Values, model: Model): string {
  return values.prompt.trim() || (model.capabilities?.uses_prompt === false ? model.title : '');
}

function urls(inputs: readonly Input[], media: Kind): string[] {
  return inputs.flatMap((input) => (input.media === media && input.url ? [input.url] : []));
}
