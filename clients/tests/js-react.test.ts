// The hook for React in a page of happy-dom, against a running gateway.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Reelworks } from '@reelworks/client';
import { useGeneration, type UseGeneration } from '@reelworks/client/react';
import { Window } from 'happy-dom';
import { act, createElement, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

const { GATEWAY, KEY, PROMPT, LONG_PROMPT } = process.env as Record<string, string>;
const client = new Reelworks({ url: GATEWAY!, apiKey: KEY! });

const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
after(() => window.happyDOM.close());

/** A component that shows the progress, and its states. */
function shown(id?: string) {
  const states: UseGeneration[] = [];
  function Progress() {
    states.push(useGeneration(client, id));
    return createElement('p', null, `${states.at(-1)!.progress} %`);
  }
  const place = document.body.appendChild(document.createElement('div'));
  const root = createRoot(place);
  return {
    states,
    place,
    latest: () => states.at(-1)!,
    mount: () => act(async () => root.render(createElement(StrictMode, null, createElement(Progress)))),
    leave: () => act(async () => root.unmount()),
    until: async (isDue: () => boolean) => {
      while (!isDue()) {
        await act(() => new Promise(resolve => setTimeout(resolve, 20)));
      }
    },
  };
}

test('a component orders, and shows the progress and the end', async () => {
  const page = shown();
  await page.mount();
  assert.equal(page.place.textContent, '0 %');
  await act(async () => void page.latest().generate({ model: 'nano-banana', prompt: PROMPT! }));
  assert.equal(page.latest().isRunning, true);
  await page.until(() => !page.latest().isRunning);
  assert.equal(page.latest().generation?.status, 'completed');
  assert.equal(page.place.textContent, '100 %');
  await page.leave();
});

test('a component follows a generation of an earlier visit, and shows a refusal', async () => {
  const { id } = await client.order({ model: 'nano-banana', prompt: PROMPT! });
  const page = shown(id);
  await page.mount();
  await page.until(() => page.latest().generation !== undefined);
  assert.equal(page.latest().generation!.id, id);
  await act(() => page.latest().generate({ model: 'no-model', prompt: 'x' }));
  assert.match(String(page.latest().error), /InvalidRequest/);
  assert.equal(page.latest().generation, undefined);
  await page.leave();
});

test('a component that is gone follows nothing', async () => {
  const page = shown();
  await page.mount();
  let generating: Promise<void>;
  await act(async () => {
    generating = page.latest().generate({ model: 'nano-banana', prompt: LONG_PROMPT! });
  });
  await page.until(() => page.latest().event !== undefined);
  const count = page.states.length;
  await page.leave();
  await generating!;
  assert.equal(page.states.length, count);
});
