import {
  APICallError,
  UnsupportedFunctionalityError,
  type ImageModelV4,
  type ImageModelV4CallOptions,
} from '@ai-sdk/provider';
import {
  combineHeaders,
  convertBase64ToUint8Array,
  convertToFormData,
  convertUint8ArrayToBase64,
  createBinaryResponseHandler,
  createJsonResponseHandler,
  generateId,
  getFromApi,
  postFormDataToApi,
  postJsonToApi,
  retryWithExponentialBackoff,
} from '@ai-sdk/provider-utils';
import { z } from 'zod';
import { failed, PROVIDER, warningsOf, type Api } from './api.js';

const imagesSchema = z.object({
  data: z.array(z.object({ b64_json: z.string().nullish(), url: z.string().nullish() })),
  usage: z.object({ credits: z.number() }),
});

type Image = z.infer<typeof imagesSchema>['data'][number];

/** A model that makes images. The request is the wait. */
export class ReelworksImageModel implements ImageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = PROVIDER;
  readonly maxImagesPerCall = 10;
  readonly supportsFileInputs = true;
  readonly supportsMaskInputs = false;

  constructor(
    readonly modelId: string,
    private readonly api: Api,
  ) {}

  /** Orders images, or images from images. An order whose answer is lost is sent again with the same key. */
  async doGenerate(options: ImageModelV4CallOptions) {
    if (options.mask) {
      throw new UnsupportedFunctionalityError({ functionality: 'mask' });
    }
    const key = { 'idempotency-key': `aisdk_img_${generateId()}` };
    const retry = retryWithExponentialBackoff({
      maxRetries: 2,
      abortSignal: options.abortSignal,
      shouldRetry: error => APICallError.isInstance(error) && error.isRetryable,
    });
    const { value, responseHeaders } = await retry(() =>
      this.send(options, combineHeaders(this.api.headers(), key, options.headers)),
    );
    return {
      images: await Promise.all(value.data.map(image => this.base64Of(image, options.abortSignal))),
      warnings: warningsOf(responseHeaders),
      providerMetadata: { [PROVIDER]: { images: [], credits: value.usage.credits } },
      response: { timestamp: new Date(), modelId: this.modelId, headers: responseHeaders },
    };
  }

  private send(options: ImageModelV4CallOptions, headers: Record<string, string | undefined>) {
    const request = {
      headers,
      failedResponseHandler: failed,
      successfulResponseHandler: createJsonResponseHandler(imagesSchema),
      abortSignal: options.abortSignal,
      fetch: this.api.fetch,
    };
    const fields = {
      model: this.modelId,
      prompt: options.prompt,
      n: options.n,
      size: options.size,
      aspect_ratio: options.aspectRatio,
      seed: options.seed,
      ...options.providerOptions[PROVIDER],
    };
    if (!options.files?.length) {
      return postJsonToApi({ ...request, url: this.api.url('/images/generations'), body: fields });
    }
    const image = options.files.map(file => (file.type === 'url' ? file.url : blobOf(file)));
    const formData = convertToFormData({ ...fields, image });
    return postFormDataToApi({ ...request, url: this.api.url('/images/edits'), formData });
  }

  /** An image as base64. The gateway answers with links where the images are very large. */
  private async base64Of(image: Image, abortSignal?: AbortSignal): Promise<string> {
    if (image.b64_json) {
      return image.b64_json;
    }
    const { value } = await getFromApi({
      url: image.url ?? '',
      failedResponseHandler: failed,
      successfulResponseHandler: createBinaryResponseHandler(),
      abortSignal,
      fetch: this.api.fetch,
    });
    return convertUint8ArrayToBase64(value);
  }
}

function blobOf({ data, mediaType }: { data: string | Uint8Array; mediaType: string }): Blob {
  const bytes = typeof data === 'string' ? convertBase64ToUint8Array(data) : data;
  return new Blob([bytes as BlobPart], { type: mediaType });
}
