/** The orders that other screens hand to the form. */
import type { Order } from '../../../api/schemas';
import { toast } from '../../../parts/toasts';
import { draft } from '../../../state/draft';
import { modelNamed } from '../../../state/models';
import { addEntry, clearInputs } from './inputs-list';
import { change, chooseModel, fitModel, values } from './state';
import { EMPTY, type Values } from './values';

/** Take over a waiting draft. The fields that it does not have keep their values. */
export function takeDraft(): void {
  const { value } = draft;
  if (!value) return;
  draft.value = null;
  change(fieldsOf(value));
  const wanted = value.model ? modelNamed(value.model) : undefined;
  if (wanted?.status === 'active') chooseModel(wanted);
  takeInputs(value);
  if (wanted && wanted.status !== 'active') {
    toast(`${wanted.title} cannot be ordered now. Another model is chosen.`);
  }
}

function takeInputs({ image_urls: images, video_urls: videos, kind, model }: Partial<Order>): void {
  if (!images && !videos && !model && !kind) return;
  if (images || videos || model) clearInputs();
  for (const url of images ?? []) addEntry(url, 'image');
  for (const url of videos ?? []) addEntry(url, 'video');
  const fitting = fitModel(kind ?? values.value.kind, images?.length ?? 0, videos?.length ?? 0);
  if (fitting && (images?.length || videos?.length)) toast(`${fitting.title} is chosen: it takes this input.`);
}

/** The fields of an order that are fields of the form. */
export function fieldsOf(order: Partial<Order>): Partial<Values> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(order)) {
    if (!(name in EMPTY) || value === undefined) continue;
    const known = EMPTY[name as keyof Values];
    found[name] = value === null && known !== null ? known : value;
  }
  delete found['not_before'];
  return found as Partial<Values>;
}
