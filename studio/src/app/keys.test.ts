import { afterEach, expect, test } from 'vitest';

import { isNoCommand, singleKeys } from './keys';

afterEach(() => {
  singleKeys.value = true;
});

function pressed(target: HTMLElement, init: KeyboardEventInit = {}): KeyboardEvent {
  document.body.append(target);
  const event = new KeyboardEvent('keydown', { key: 'r', bubbles: true, ...init });
  target.dispatchEvent(event);
  return event;
}

test('a single key is a command, unless a field has the focus or the person switched single keys off', () => {
  expect(isNoCommand(pressed(document.createElement('button')))).toBe(false);
  expect(isNoCommand(pressed(document.createElement('textarea')))).toBe(true);
  expect(isNoCommand(pressed(document.createElement('button'), { ctrlKey: true }))).toBe(true);
  singleKeys.value = false;
  expect(isNoCommand(pressed(document.createElement('button')))).toBe(true);
  expect(localStorage.getItem('reelworks-single-keys')).toBe('off');
});
