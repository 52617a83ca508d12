/** Models for tests. */
import type { Model } from '../../../api/schemas';

const CAPABILITIES = {
  aspect_ratios: [], audio: false, continues_video: false, durations_seconds: [], enhance_prompt: false, extends: [], extends_resolutions: [],
  frame_rates: [], image_types: ['image/png'], keeps_image_shape: false, keeps_prompt: true, keeps_video_length: false, max_images: 0,
  max_videos: 0, min_images: 0, min_videos: 0, motion: false, negative_prompt_characters: 0, output_formats: [], prompt_characters: 100,
  prompt_unit: 'characters', resolutions: [], silence: true, uses_prompt: true, video_types: [],
} satisfies Model['capabilities'];

/** An active model with these capabilities. */
export function modelWith(capabilities: Partial<NonNullable<Model['capabilities']>>, more: Partial<Model> = {}): Model {
  return {
    object: 'model', id: 'boat', name: 'boat', kind: 'video', title: 'Boat', description: 'Boats.', aliases: [], status: 'active', styles: [],
    maker: 'Acme', good_for: 'boats', quality: 'standard', speed: 'standard', ...more, capabilities: { ...CAPABILITIES, ...capabilities },
  };
}
