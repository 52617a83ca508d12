import {
  NoSuchModelError,
  type Experimental_VideoModelV4 as VideoModelV4,
  type ImageModelV4,
  type ProviderV4,
} from '@ai-sdk/provider';
import { loadApiKey, loadSetting, withoutTrailingSlash, type FetchFunction } from '@ai-sdk/provider-utils';
import { ReelworksImageModel } from './image-model.js';
import { ReelworksVideoModel } from './video-model.js';

/** Settings of the provider. */
export interface ReelworksProviderSettings {
  /** The gateway's URL with `/openai/v1`. Default: `REELWORKS_BASE_URL`. */
  baseURL?: string;
  /** An API key of the gateway. Default: `REELWORKS_API_KEY`. */
  apiKey?: string;
  /** More headers for each request. */
  headers?: Record<string, string>;
  /** Sends the requests in place of the global `fetch`. */
  fetch?: FetchFunction;
}

/** Makes the models of a gateway. */
export interface ReelworksProvider extends ProviderV4 {
  /** A model that makes videos, by a name of `GET /openai/v1/models`. */
  video(modelId: string): VideoModelV4;
  /** The same as `video`. */
  videoModel(modelId: string): VideoModelV4;
  /** A model that makes images, by a name of `GET /openai/v1/models`. */
  image(modelId: string): ImageModelV4;
}

/** Makes a provider for a gateway. */
export function createReelworks(settings: ReelworksProviderSettings = {}): ReelworksProvider {
  const api = {
    url: (path: string) => `${withoutTrailingSlash(baseUrlOf(settings))}${path}`,
    headers: () => ({ ...settings.headers, authorization: `Bearer ${apiKeyOf(settings)}` }),
    fetch: settings.fetch,
  };
  const video = (modelId: string) => new ReelworksVideoModel(modelId, api);
  const image = (modelId: string) => new ReelworksImageModel(modelId, api);
  return {
    specificationVersion: 'v4',
    video,
    videoModel: video,
    image,
    imageModel: image,
    languageModel: modelId => {
      throw new NoSuchModelError({ modelId, modelType: 'languageModel' });
    },
    embeddingModel: modelId => {
      throw new NoSuchModelError({ modelId, modelType: 'embeddingModel' });
    },
  };
}

/** The provider with the gateway and the key of the environment. */
export const reelworks = createReelworks();

function baseUrlOf({ baseURL }: ReelworksProviderSettings): string {
  return loadSetting({
    settingValue: baseURL,
    environmentVariableName: 'REELWORKS_BASE_URL',
    settingName: 'baseURL',
    description: 'Reelworks base URL',
  });
}

function apiKeyOf({ apiKey }: ReelworksProviderSettings): string {
  return loadApiKey({ apiKey, environmentVariableName: 'REELWORKS_API_KEY', description: 'Reelworks' });
}
