/** What a generation looks like: its picture, shape and text. */
import { address } from '../../api/client';
import type { Asset, Generation } from '../../api/schemas';

/** Types of pictures that every browser shows. */
const SHOWN = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/avif']);

/** The stored result. Undefined before the end, and for an end without a result. */
export function resultOf({ assets }: Generation): Asset | undefined {
  return assets.find(({ role }) => role === 'result');
}

/** Whether the result was there, and its file has expired. */
export function isGone(generation: Generation): boolean {
  return generation.status === 'completed' && !generation.links.content;
}

/** The address of the result's file. Null: none, or no longer. */
export function contentOf({ links }: Generation): string | null {
  return links.content ? address(links.content) : null;
}

/** The address at which the browser saves the result's file. Null: none, or no longer. */
export function downloadOf(generation: Generation): string | null {
  const content = contentOf(generation);
  return content ? `${content}?download=1` : null;
}

/** The address of a still picture of the result. Null: there is none. */
export function posterOf(generation: Generation): string | null {
  const { kind, links } = generation;
  if (links.thumbnail) return address(links.thumbnail);
  const type = resultOf(generation)?.content_type ?? '';
  return kind === 'image' && SHOWN.has(type) ? contentOf(generation) : null;
}

/** Width divided by height: of the file, else as ordered. */
export function shapeOf(generation: Generation): number {
  const result = resultOf(generation);
  if (result && result.width > 0 && result.height > 0) return result.width / result.height;
  const [width, height] = (generation.inputs.aspect_ratio ?? '').split(':').map(Number);
  if (width && height) return width / height;
  return generation.kind === 'video' ? 16 / 9 : 1;
}

/** The prompt as it was typed: without the text that a style adds, and of a preview that of its video. */
export function promptOf(generation: Pick<Generation, 'inputs'> & Partial<Pick<Generation, 'preview_of'>>): string {
  const { inputs } = generation.preview_of ?? generation;
  if (!inputs.style) return inputs.prompt;
  const at = inputs.prompt.lastIndexOf('\n\nStyle: ');
  return at < 0 ? inputs.prompt : inputs.prompt.slice(0, at);
}

/** The length of a video as players write it, such as 0:05. Null: no video. */
export function lengthOf(generation: Generation): string | null {
  if (generation.kind !== 'video') return null;
  const seconds = resultOf(generation)?.duration_seconds ?? generation.inputs.duration_seconds;
  return seconds ? clock(seconds) : null;
}

/** Seconds as a clock: 0:05, 1:02:03. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, '0'));
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${parts.join(':')}` : parts.join(':').replace(/^0/, '');
}
