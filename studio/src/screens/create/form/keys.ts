/** Keys, pasted files and dropped files of the form. */
import type { Model } from '../../../api/schemas';
import { toast } from '../../../parts/toasts';
import { models } from '../../../state/models';
import { addFiles, inputs } from './inputs-list';
import { modelFor } from './model-list';
import { chooseModel } from './state';

/** Whether a key orders: Ctrl + Enter, on a Mac also Cmd + Enter, from any field. */
export function isSubmitKey({ key, ctrlKey, metaKey, isComposing }: KeyboardEvent): boolean {
  return key === 'Enter' && (ctrlKey || metaKey) && !isComposing;
}

/** Takes files that are pasted or dropped anywhere in the page, until the returned function runs. */
export function takeFiles(model: () => Model | undefined): () => void {
  const paste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs copy words together with a picture of them: a field takes the words.
    const isText = isField(event.target) && event.clipboardData?.types.includes('text/plain');
    if (!files.length || isText) return;
    event.preventDefault();
    take(files, model());
  };
  // A file that misses the field does not take the place of the page.
  const over = (event: DragEvent) => event.preventDefault();
  const drop = (event: DragEvent) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    take([...(event.dataTransfer?.files ?? [])], model());
  };
  addEventListener('paste', paste);
  addEventListener('dragover', over);
  addEventListener('drop', drop);
  return () => {
    removeEventListener('paste', paste);
    removeEventListener('dragover', over);
    removeEventListener('drop', drop);
  };
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

function take(files: readonly File[], model: Model | undefined): void {
  const can = model?.capabilities;
  if (!files.length || !model || !can) return;
  const isVideo = files.some(({ type }) => type.startsWith('video/'));
  if (isVideo ? can.max_videos : can.max_images) {
    addFiles(files, can);
    return;
  }
  const thing = isVideo ? 'videos' : 'pictures';
  const count = inputs.value.length + files.length;
  const other = modelFor(models.value ?? [], model, model.kind, isVideo ? 0 : count, isVideo ? count : 0);
  const action = other?.capabilities ? { label: `Use ${other.title}`, run: () => change(other, files) } : null;
  toast(`${model.title} takes no ${thing}.`, { action });
}

function change(model: Model, files: readonly File[]): void {
  chooseModel(model);
  if (model.capabilities) addFiles(files, model.capabilities);
}
