/** The input pictures and videos of the order: files that are uploaded, and earlier results. */
import { signal } from '@preact/signals';

import { asProblem } from '../../../api/problem';
import type { Capabilities, Generation, Kind } from '../../../api/schemas';
import { upload } from '../../../api/upload';
import { isReadOnly } from '../../../app/session';
import { announce } from '../../../parts/announce';
import { posterOf, promptOf, resultOf } from '../../../parts/media/media';
import { bytes } from '../../../parts/numbers';
import { knownGeneration, readGeneration } from '../../../state/generations';

export interface Input {
  id: number;
  media: Kind;
  /** The entry of the order. Null: the upload has not ended. */
  url: string | null;
  name: string;
  /** A picture of the input, or the file of a video. Null: there is none to show. */
  picture: string | null;
  /** Whether `picture` is a video. */
  moves: boolean;
  /** The sent part, 0 to 1. */
  progress: number;
  /** Why the file cannot be used. */
  problem: string | null;
  /** The length of a video, where known. */
  seconds: number | null;
}

export const inputs = signal<readonly Input[]>([]);

const uploads = new Map<number, AbortController>();
let last = 0;

// A customer may send four files at one time; the form leaves room for other tabs.
const AT_ONCE = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** Add files, and upload them. A file that the model cannot take is shown with the reason. */
export function addFiles(files: Iterable<File>, can: Capabilities): void {
  if (isReadOnly.value) return;
  for (const file of files) {
    const media: Kind = file.type.startsWith('video/') ? 'video' : 'image';
    const problem = problemOfFile(file, media, can);
    const picture = problem ? null : URL.createObjectURL(file);
    const input = add({ media, name: file.name || 'pasted picture', picture, moves: media === 'video', problem });
    if (!problem) void send(input.id, file);
  }
}

/** Why a file cannot be an input of the model. Null: the file can. */
export function problemOfFile({ type, size }: Pick<File, 'type' | 'size'>, media: Kind, can: Capabilities): string | null {
  const types = (media === 'video' ? can.video_types : can.image_types) ?? [];
  const most = media === 'video' ? can.max_video_bytes : can.max_image_bytes;
  if (type && !types.includes(type)) {
    return types.length ? `The model takes ${types.map(shortType).join(', ')}.` : `The model takes no ${media}s.`;
  }
  if (most && size > most) return `The file has ${bytes(size)}; the model takes up to ${bytes(most)}.`;
  return null;
}

/** The name of a content type, such as JPEG. */
export function shortType(type: string): string {
  return (type.split('/')[1] ?? type).toUpperCase();
}

/** Add the result of an earlier generation. */
export function addResult(generation: Generation): void {
  addEntry(`generation:${generation.id}`, generation.kind, looksOf(generation));
}

/** Add an entry that needs no upload. An entry that is there already is not added again. */
export function addEntry(url: string, media: Kind, looks?: Partial<Input>): void {
  if (inputs.value.some((each) => each.url === url)) return;
  const [, generation] = /^generation:(.+)$/.exec(url) ?? [];
  const { id } = add({ ...looks, media, url, progress: 1, name: looks?.name ?? (generation ? 'An earlier result' : url) });
  if (generation && !looks) void showResult(id, generation);
}

async function showResult(id: number, generation: string): Promise<void> {
  try {
    change(id, looksOf((knownGeneration(generation) ?? (await readGeneration(generation))).value));
  } catch {
    // The entry stays without a picture; the estimate says whether the result can be used.
  }
}

function looksOf(generation: Generation): Pick<Input, 'name' | 'picture' | 'seconds'> {
  const seconds = resultOf(generation)?.duration_seconds ?? generation.inputs.duration_seconds ?? null;
  return { name: promptOf(generation), picture: posterOf(generation), seconds };
}

export function removeInput(id: number): void {
  uploads.get(id)?.abort();
  const picture = inputs.value.find((each) => each.id === id)?.picture;
  if (picture?.startsWith('blob:')) URL.revokeObjectURL(picture);
  inputs.value = inputs.value.filter((each) => each.id !== id);
}

export function clearInputs(): void {
  for (const { id } of inputs.value) removeInput(id);
}

/** Whether an upload runs. */
export function isUploading(list: readonly Input[]): boolean {
  return list.some(({ url, problem }) => !url && !problem);
}

function add(fields: Partial<Input> & Pick<Input, 'media' | 'name'>): Input {
  last += 1;
  const input: Input = { url: null, picture: null, moves: false, progress: 0, problem: null, seconds: null, ...fields, id: last };
  inputs.value = [...inputs.value, input];
  return input;
}

function change(id: number, fields: Partial<Input>): void {
  inputs.value = inputs.value.map((each) => (each.id === id ? { ...each, ...fields } : each));
}

async function send(id: number, file: File): Promise<void> {
  const controller = new AbortController();
  uploads.set(id, controller);
  try {
    await turn();
    controller.signal.throwIfAborted();
    const onProgress = (progress: number) => change(id, { progress });
    const { url, duration_seconds } = await upload(file, { onProgress, signal: controller.signal });
    change(id, { url, progress: 1, seconds: duration_seconds });
    announce(`${file.name || 'The picture'} is uploaded`);
  } catch (thrown) {
    if (!controller.signal.aborted) change(id, { problem: asProblem(thrown).message });
  } finally {
    uploads.delete(id);
    running -= 1;
    waiting.shift()?.();
  }
}

async function turn(): Promise<void> {
  running += 1;
  if (running > AT_ONCE) await new Promise<void>((go) => waiting.push(go));
}
