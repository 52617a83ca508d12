/** The price and the usual time of the order, asked anew soon after each change. */
import { computed, effect, signal } from '@preact/signals';

import { post } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import type { Estimate, OrderFields } from '../../../api/schemas';
import { isLeaving, isReadOnly, may, session } from '../../../app/session';
import { lengthOf } from './counting';
import { inputs, isUploading } from './inputs-list';
import { model, order, values } from './state';

interface State {
  /** The newest price. While another one is asked for, the last one stays. Null: there is none. */
  estimate: Estimate | null;
  /** Why the order cannot be. */
  problem: Problem | null;
  /** Whether a newer price is on its way. */
  isOld: boolean;
}

export const estimated = signal<State>({ estimate: null, problem: null, isOld: false });

/** The further models of the order: those that could make the same. */
export const compared = computed(() => {
  const able = estimated.value.estimate?.models ?? [];
  return values.value.compared.filter((name) => able.some((each) => each.model === name));
});

const PAUSE_MS = 300;
const ROOM_FOR_STYLE = 300;

/** Asks for the price of the order until the returned function runs. */
export function followEstimate(): () => void {
  let asked = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  let request = new AbortController();
  const stop = effect(() => {
    const body = bodyOf(order.value);
    const text = JSON.stringify(body);
    if (text === asked) return;
    const isFirst = asked === '';
    asked = text;
    clearTimeout(timer);
    request.abort();
    if (!body) {
      estimated.value = { estimate: null, problem: null, isOld: false };
      return;
    }
    request = new AbortController();
    const { signal: ends } = request;
    estimated.value = { ...estimated.peek(), isOld: true };
    timer = setTimeout(() => void ask(body, ends), isFirst ? 0 : PAUSE_MS);
  });
  return () => {
    stop();
    clearTimeout(timer);
    request.abort();
  };
}

async function ask(body: OrderFields, ends: AbortSignal): Promise<void> {
  try {
    const estimate = await post<Estimate>('/v1/estimate', body, { signal: ends });
    estimated.value = { estimate, problem: null, isOld: false };
  } catch (thrown) {
    if (ends.aborted) return;
    estimated.value = { estimate: null, problem: asProblem(thrown), isOld: false };
  }
}

// The price does not depend on the words: they are sent only where their length may be too much, with the text of a style.
// An order that waits for its inputs has no price yet.
function bodyOf(wish: OrderFields | null): OrderFields | null {
  const can = model.value?.capabilities;
  if (!wish || !can || isLeaving.value || isReadOnly.value || !session.value?.customer || !may('read')) return null;
  const lacks = (wish.image_urls?.length ?? 0) < can.min_images || (wish.video_urls?.length ?? 0) < can.min_videos;
  if (lacks || isUploading(inputs.value)) return null;
  const isShort = lengthOf(wish.prompt, can.prompt_unit) + ROOM_FOR_STYLE < can.prompt_characters;
  return { ...wish, prompt: isShort ? 'a picture' : wish.prompt };
}
