import type {
  Experimental_VideoModelV4 as VideoModelV4,
  Experimental_VideoModelV4CallOptions as CallOptions,
  Experimental_VideoModelV4File as File,
  SharedV4Warning,
} from '@ai-sdk/provider';
import {
  combineHeaders,
  convertImageModelFileToDataUri as uriOf,
  createBinaryResponseHandler,
  createJsonResponseHandler,
  getFromApi,
  postJsonToApi,
} from '@ai-sdk/provider-utils';
import { z } from 'zod';
import { failed, PROVIDER, warningsOf, type Api } from './api.js';

const videoSchema = z.object({
  id: z.string(),
  model: z.string(),
  status: z.enum(['queued', 'in_progress', 'completed', 'failed']),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  credits: z.number(),
});

/** A model that makes videos. The AI SDK starts a video, and reads its status until the video has ended. */
export class ReelworksVideoModel implements VideoModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = PROVIDER;
  readonly maxVideosPerCall = 1;

  constructor(
    readonly modelId: string,
    private readonly api: Api,
  ) {}

  /** Orders a video. The AI SDK sends the same idempotency key when it starts the same video again. */
  async doStart(options: CallOptions) {
    const { value, responseHeaders } = await postJsonToApi({
      url: this.api.url('/videos'),
      headers: combineHeaders(this.api.headers(), options.headers),
      body: orderOf(this.modelId, options),
      failedResponseHandler: failed,
      successfulResponseHandler: createJsonResponseHandler(videoSchema),
      abortSignal: options.abortSignal,
      fetch: this.api.fetch,
    });
    return {
      operation: value.id,
      warnings: [...unsupported(options), ...warningsOf(responseHeaders)],
      providerMetadata: { [PROVIDER]: { videoId: value.id, credits: value.credits } },
      response: { timestamp: new Date(), modelId: value.model, headers: responseHeaders },
    };
  }

  /** Reads the status of a video, and fetches the file of a completed one. */
  async doStatus({ operation, abortSignal, headers }: Parameters<NonNullable<VideoModelV4['doStatus']>>[0]) {
    const url = this.api.url(`/videos/${operation}`);
    const request = {
      headers: combineHeaders(this.api.headers(), headers),
      failedResponseHandler: failed,
      abortSignal,
      fetch: this.api.fetch,
    };
    const { value, responseHeaders } = await getFromApi({
      ...request,
      url,
      successfulResponseHandler: createJsonResponseHandler(videoSchema),
    });
    const response = { timestamp: new Date(), modelId: value.model, headers: responseHeaders };
    if (value.status === 'failed') {
      return { status: 'error' as const, error: value.error?.message ?? 'there is no video', response };
    }
    if (value.status !== 'completed') {
      return { status: 'pending' as const, response };
    }
    const file = await getFromApi({
      ...request,
      url: `${url}/content`,
      successfulResponseHandler: createBinaryResponseHandler(),
    });
    const mediaType = file.responseHeaders?.['content-type'] ?? 'video/mp4';
    return {
      status: 'completed' as const,
      videos: [{ type: 'binary' as const, data: file.value, mediaType }],
      warnings: [],
      response,
    };
  }
}

function orderOf(modelId: string, options: CallOptions) {
  return {
    model: modelId,
    prompt: options.prompt,
    seconds: options.duration,
    size: options.resolution,
    // Without an aspect ratio, the picture decides.
    aspect_ratio: options.aspectRatio === 'adaptive' ? undefined : options.aspectRatio,
    seed: options.seed,
    generate_audio: options.generateAudio,
    // The AI SDK names the first frame twice.
    input_reference: options.image && !options.frameImages?.length ? uriOf(options.image) : undefined,
    frame_images: options.frameImages?.map(({ image, frameType }) => ({
      image_url: { url: uriOf(image) },
      frame_type: frameType,
    })),
    input_references: options.inputReferences?.filter(isPicture).map(uriOf),
    ...options.providerOptions[PROVIDER],
  };
}

function unsupported(options: CallOptions): SharedV4Warning[] {
  const warnings: SharedV4Warning[] = [];
  if (options.fps !== undefined) {
    warnings.push({ type: 'unsupported', feature: 'fps' });
  }
  if (options.inputReferences?.some(file => !isPicture(file))) {
    warnings.push({ type: 'unsupported', feature: 'inputReferences', details: 'A reference must be a picture.' });
  }
  return warnings;
}

function isPicture(file: File): boolean {
  return !file.mediaType?.startsWith('video/');
}
