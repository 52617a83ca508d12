/** The fields of an order. Fields that are left out take the defaults of the model. */
export interface Order {
  /** The description. */
  prompt: string;
  /** A name or an alias of a model, or of a family. Left out: the first model of the `kind`. */
  model?: string;
  /** Needed without a `model`. */
  kind?: 'image' | 'video';
  /** Whether the successor of a paused or retired model may serve. */
  allow_substitution?: boolean;
  /** A look of the model. */
  style?: string;
  /** Input pictures: `https://…`, `upload:ID` (the `url` of an upload), `generation:ID` or `data:` URIs. */
  image_urls?: string[];
  /** Input videos, in the same forms. */
  video_urls?: string[];
  /** Such as `16:9`. */
  aspect_ratio?: string;
  /** Such as `1K` or `720p`. */
  resolution?: string;
  /** The format of an image, such as `png`. */
  output_format?: string;
  /** The length of a video. */
  duration_seconds?: number;
  /** Frames in a second. */
  fps?: number;
  /** Whether a video has sound. */
  generate_audio?: boolean;
  /** Contents to avoid. */
  negative_prompt?: string;
  /** The same seed and order may give a similar result. */
  seed?: number;
  /** The amount of motion, 0 to 1. */
  motion?: number;
  /** Whether the model may rewrite the prompt. */
  enhance_prompt?: boolean;
  /** Whether to make a picture of a video's first frame; `continuePreview` then makes the video. */
  preview?: boolean;
  /** Which of your own orders go first where a provider is busy. */
  priority?: 'low' | 'normal' | 'high';
  /** The earliest start, such as `2026-11-01T08:00:00Z`. */
  not_before?: string;
  /** Seconds to the start, after which the generation fails and the credits come back. */
  start_within?: number;
  /** Seconds after which the generation fails and the credits come back. */
  deadline_seconds?: number;
  /** Seconds from the end until the files are deleted. */
  expires_in?: number;
  /** Further files that are made of the result after its end. */
  variants?: VariantOrder[];
  /** Your id of the thing that the result is for. */
  reference?: string;
  /** Up to 16 entries of your own. Answers and events repeat them. */
  metadata?: Record<string, string>;
  /** An address that gets a webhook at the end. */
  callback_url?: string;
}

/** An order of several results from one prompt. */
export interface Outputs extends Order {
  /** 1 to 10. */
  number_of_outputs?: number;
}

/** An order of a batch, in one of three forms. */
export type BatchOrder =
  | { requests: Outputs[] }
  | { request: Omit<Outputs, 'prompt'>; prompts: string[] }
  | { request: Outputs; seeds: number[] };

/** The states that customers see. A newer gateway may add some. */
export type Status = 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | (string & {});

/** The credits of a generation or of a batch. */
export interface Credits {
  price: number;
  held: number;
  captured: number;
  released: number;
}

/** The reason of a failure. */
export interface Failure {
  /** Stable, for programs. */
  code: string;
  /** For people. */
  message: string;
}

/** The consequences of an end without a result. */
export interface Outcome {
  /** Stable, for programs, such as `request_refused`. */
  cause: string;
  /** Whether credits were taken all the same. */
  charged: boolean;
  /** Whether the same order may succeed. */
  retryable: boolean;
  /** A sentence for the end user. */
  message: string;
}

/** A stored file of a generation. */
export interface Asset {
  /** `result`, or `poster`: a still picture of the result. */
  role: 'result' | 'poster' | (string & {});
  content_type: string;
  size_bytes: number;
  /** In hexadecimal digits. */
  sha256: string;
  width: number;
  height: number;
  /** null for an image. */
  duration_seconds: number | null;
  frame_rate: number | null;
  codec: string;
  bit_rate: number | null;
  /** The time of deletion. null: the file is kept for ever. */
  expires_at: string | null;
  /** When the file was deleted. null: the file is there. */
  expired_at: string | null;
}

/** The place of a generation before its provider. */
export interface QueuePlace {
  reason: 'capacity' | 'paused' | 'your_limit' | 'provider_down' | 'scheduled' | 'vendor_queue';
  /** How many generations go first, of all customers. Null: not known. */
  ahead: number | null;
  /** When the provider gets it, as things stand. Null: not known. */
  estimated_start_at: string | null;
}

/** Your generations of one model, before and at the provider. */
export interface QueuedModel {
  model: string;
  /** Those that no provider has yet. */
  waiting: number;
  /** Those that a provider has. */
  in_flight: number;
  /** The first of those that wait. Null: none waits for a place. */
  next: QueuePlace | null;
}

/** Your unfinished generations, before and at the providers. */
export interface Queue {
  waiting: number;
  in_flight: number;
  models: QueuedModel[];
}

/** The video that a preview shows the first frame of. */
export interface PlannedVideo {
  /** The model that makes the video from the picture. */
  model: string;
  /** The model that the preview was ordered with. */
  text_to_video: string;
  /** The price when the preview was ordered. */
  credits: number;
  /** The settings of the video, without the picture. */
  inputs: Record<string, unknown>;
}

/** A stored file of a variant. */
export interface VariantFile {
  /** The text that leads into the media is an `index`. */
  part: 'media' | 'index';
  content_type: string;
  size_bytes: number;
  sha256: string;
  width: number | null;
  height: number | null;
  duration_seconds: number | null;
  frame_rate: number | null;
  codec: string | null;
}

/** A variant of a result. */
export interface Variant {
  /** The name in `content?variant=`. */
  name: string;
  kind: 'web' | 'preview' | 'sprites' | 'copy' | 'hls';
  state: 'pending' | 'ready' | 'failed';
  origin: 'original' | 'copied' | 'encoded' | null;
  /** Whether a signed statement of origin (C2PA) of the result holds for the variant. */
  keeps_provenance: boolean | null;
  /** The reason, if the state is `failed`. */
  error: Failure | null;
  /** Empty where the result itself is the variant. */
  files: VariantFile[];
  /** The path at the gateway. */
  content: string | null;
  finished_at: string | null;
}

/** A variant to order: its kind alone, or with settings. */
export type VariantOrder =
  | 'web'
  | 'preview'
  | 'sprites'
  | 'hls'
  | {
      kind?: 'web' | 'preview' | 'sprites' | 'copy' | 'hls';
      name?: string;
      width?: number;
      height?: number;
      fit?: 'contain' | 'cover';
      start_seconds?: number;
      seconds?: number;
      format?: 'webp' | 'jpeg' | 'png';
    };

/** An image or a video, from the order to the end. */
export interface Generation {
  id: string;
  status: Status;
  /** The step, more detailed than the status. */
  stage: string;
  /** Percent. Never falls. */
  progress: number;
  kind: 'image' | 'video';
  /** The model that serves. */
  model: string;
  /** The name in the order. */
  requested_model: string | null;
  provider: string;
  priority: 'low' | 'normal' | 'high';
  /** The scheduled start. */
  not_before: string | null;
  /** The generation fails if it has not started by then. */
  start_by: string | null;
  batch_id: string | null;
  /** The generation that this one repeats. */
  retry_of: string | null;
  /** The newest generation that repeats this one. */
  retried_by: string | null;
  /** Of a preview: the video that `continuePreview` makes. */
  preview_of: PlannedVideo | null;
  /** Of a video that was made from a preview: the preview. */
  continuation_of: string | null;
  /** Of a preview: the video that was made from it. */
  continued_by: string | null;
  /** The order, with all defaults. */
  inputs: Record<string, unknown>;
  credits: Credits;
  /** The place before the provider. Null: a provider has it, or no provider is busy. Lists have null. */
  queue: QueuePlace | null;
  /** The reason, if the status is `failed`. */
  error: Failure | null;
  /** The consequences, if the status is `failed` or `cancelled`. */
  outcome: Outcome | null;
  cancel_requested_at: string | null;
  assets: Asset[];
  /** Further files of the result, made after its end. */
  variants: Variant[];
  downloads: number;
  reference: string | null;
  metadata: Record<string, string>;
  callback_url: string | null;
  rating: number | null;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  deadline_at: string;
  finished_at: string | null;
  render_seconds: number | null;
  provider_seconds: number | null;
  /** How often a server lost the work. The generation ran again, and is paid for once. */
  lost_runs: number;
  /** Paths at the gateway. */
  links: { self: string; content: string | null; thumbnail: string | null };
}

/** A page of a list. */
export interface Page<T> {
  data: T[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Generations that were ordered together. */
export interface Batch {
  id: string;
  counts: Record<'total' | 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled', number>;
  credits: Credits;
  created_at: string;
  /** The end of the last generation. */
  finished_at: string | null;
  /** The generations in the order of the requests. */
  generations: Page<Generation>;
}

/** The time from order to result of the newest completed generations. */
export interface UsualSeconds {
  p50: number;
  p90: number;
  sample: number;
}

/** A model that could serve an order. */
export interface EstimatedModel {
  model: string;
  credits: number;
  usual_seconds: UsualSeconds | null;
  /** Seconds until its provider would get it. Null: not known, for example in a pause. */
  expected_wait_seconds: number | null;
}

/** The price of an order, before the order. */
export interface Estimate extends EstimatedModel {
  number_of_outputs: number;
  models: EstimatedModel[];
  /** Of a preview: the video that `continuePreview` would make. */
  preview_of: EstimatedModel | null;
}

/** A step of a generation, from a stream. */
export interface GenerationEvent {
  /** The id, for `after`. null for `progress`. */
  id: string | null;
  type: 'stage' | 'progress' | 'end' | (string & {});
  generation_id: string;
  status: Status;
  stage: string;
  /** Percent. Never falls. */
  progress: number;
  error: Failure | null;
  reference: string | null;
  metadata: Record<string, string>;
  created_at: string | null;
}

/** A file that orders can name as an input. */
export interface Upload {
  id: string;
  /** The entry for `image_urls` or `video_urls` of an order. */
  url: string;
  content_type: string;
  size_bytes: number;
  sha256: string;
  duration_seconds: number | null;
  expires_at: string;
}

/** A public link to a result. */
export interface Share {
  id: string;
  generation_id: string;
  /** The page. The page needs no key. */
  url: string;
  views: number;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
}

/** The customer for whom the key acts. */
export interface Me {
  id: string;
  name: string;
  credits: { available: number; held: number };
  /** The limits of the customer, with `used`. Null: there are none. */
  limits: Record<string, unknown> | null;
}

/** A model of the catalogue. */
export interface Model {
  name: string;
  kind: 'image' | 'video';
  title: string;
  description: string;
  status: 'active' | 'paused' | 'retired';
  capabilities: Record<string, unknown> | null;
  defaults: Record<string, unknown> | null;
  price: Record<string, unknown> | null;
  styles: string[];
  /** The model that makes the video of a preview. null: there are no previews. */
  image_to_video: string | null;
  successor: string | null;
}

/** The filters of a list of generations. A generation must meet all of them. */
export interface Filters {
  status?: Status | Status[];
  stage?: string | string[];
  kind?: 'image' | 'video';
  model?: string;
  batch_id?: string;
  /** Accepted at this time or later, such as `2026-11-01T00:00:00Z`. */
  created_from?: string;
  /** Accepted earlier. */
  created_before?: string;
  metadata_key?: string;
  metadata_value?: string;
  /** Words of the prompt. */
  q?: string;
  /** The size of a page, 1 to 100. */
  limit?: number;
}

/** An event that Reelworks sent as a webhook, or wrote to a stream in Redis. */
export interface Notification {
  /** The same event may come twice, with the same id. */
  id: string;
  /** Such as `generation.completed`. */
  type: string;
  version: number;
  created_at: string;
  /** Grows within a generation. A webhook with a lower number came late. */
  sequence: number | null;
  /** The generation: `generation_id`, `status`, `progress`, `reference`, `metadata`, `links`, … */
  data: Record<string, unknown>;
}
