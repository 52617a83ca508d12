/** What is compared of generations, row by row, and where they differ. */
import type { Generation } from '../../api/schemas';
import { creditsInWords } from '../../parts/generation/cost';
import { promptOf, resultOf } from '../../parts/media/media';
import { bytes, seconds } from '../../parts/numbers';
import { modelNamed } from '../../state/models';

/** A row: a value for each generation. Null: the generation has none. */
export interface Row {
  name: string;
  values: readonly (string | null)[];
  differs: boolean;
}

type Fact = readonly [name: string, of: (generation: Generation) => string | number | boolean | null | undefined];

const FACTS: readonly Fact[] = [
  ['Model', ({ model }) => modelNamed(model)?.title ?? model],
  ['Price', ({ credits }) => creditsInWords(credits.price)],
  ['Charged', ({ credits, finished_at }) => finished_at && creditsInWords(credits.captured)],
  ['From order to result', (each) => span(each.created_at, each.finished_at)],
  ['Waited for a place', (each) => span(each.created_at, each.started_at)],
  ['Made in', ({ render_seconds: made }) => (typeof made === 'number' ? seconds(made) : null)],
  ['Aspect ratio', ({ inputs }) => inputs.aspect_ratio],
  ['Resolution', ({ inputs }) => inputs.resolution],
  ['Length', ({ inputs }) => inputs.duration_seconds && seconds(inputs.duration_seconds)],
  ['Frame rate', ({ inputs }) => inputs.fps && `${inputs.fps} a second`],
  ['Style', ({ inputs }) => inputs.style],
  ['Negative prompt', ({ inputs }) => inputs.negative_prompt],
  ['Seed', ({ inputs }) => inputs.seed],
  ['Motion', ({ inputs }) => inputs.motion],
  ['Sound', ({ inputs }) => inputs.generate_audio],
  ['Prompt rewritten', ({ inputs }) => inputs.enhance_prompt],
  ['Format', ({ inputs }) => inputs.output_format],
  ['Input pictures', ({ inputs }) => inputs.image_urls?.join(', ')],
  ['Input videos', ({ inputs }) => inputs.video_urls?.join(', ')],
  ['Pixels', (each) => file(each, ({ width, height }) => `${width} × ${height}`)],
  ['Plays', (each) => file(each, ({ duration_seconds: length }) => length && `${length.toFixed(1)} s`)],
  ['Frames a second', (each) => file(each, ({ frame_rate: rate }) => rate && Math.round(rate * 100) / 100)],
  ['Size', (each) => file(each, ({ size_bytes }) => bytes(size_bytes))],
  ['Codec', (each) => file(each, ({ codec }) => codec)],
  ['Rating', ({ rating }) => rating && `${rating} of 5`],
];

/** The rows in which at least one generation has a value. */
export function rowsOf(generations: readonly Generation[]): Row[] {
  return FACTS.map(([name, of]) => rowOf(name, generations.map(of).map(inWords))).filter(({ values }) => values.some((value) => value !== null));
}

function rowOf(name: string, values: readonly (string | null)[]): Row {
  return { name, values, differs: new Set(values).size > 1 };
}

function inWords(value: string | number | boolean | null | undefined): string | null {
  if (value === null || value === undefined || value === '') return null;
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

function span(from: string, to: string | null | undefined): string | null {
  return to ? seconds((Date.parse(to) - Date.parse(from)) / 1000) : null;
}

function file<T>(generation: Generation, of: (result: NonNullable<ReturnType<typeof resultOf>>) => T): T | null {
  const result = resultOf(generation);
  return result ? of(result) : null;
}

/** Pieces of a prompt; a piece that another prompt lacks is new. */
export type Piece = readonly [text: string, isNew: boolean];

const WORD = /[\p{L}\p{N}]+/gu;

/** Each prompt in pieces: words that not every prompt has are new. Prompts of other words altogether have one piece. */
export function promptsOf(generations: readonly Generation[]): Piece[][] {
  const prompts = generations.map(promptOf);
  const words = prompts.map((prompt) => new Set(prompt.toLowerCase().match(WORD)));
  const everywhere = (word: string) => words.every((each) => each.has(word.toLowerCase()));
  return prompts.map((prompt) => {
    const own = prompt.match(WORD) ?? [];
    if (own.filter(everywhere).length < own.length / 2) return [[prompt, false]];
    return pieces(prompt, everywhere);
  });
}

function pieces(prompt: string, everywhere: (word: string) => boolean): Piece[] {
  const found: [string, boolean][] = [];
  for (const text of prompt.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]+/gu) ?? []) {
    const isNew = text.match(WORD) !== null && !everywhere(text);
    const last = found.at(-1);
    if (last && last[1] === isNew) last[0] += text;
    else found.push([text, isNew]);
  }
  return found;
}
