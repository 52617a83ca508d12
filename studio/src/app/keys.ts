import { effect, signal } from '@preact/signals';

/** Every key of the page, for the list that `?` opens. A screen that adds a key adds a line here. */
export const KEYS: readonly { keys: string; does: string }[] = [
  { keys: '?', does: 'show this list' },
  { keys: 'Ctrl + Enter', does: 'generate, from any field of the form' },
  { keys: 'R', does: 'try a failed order again: that of the details or of the card with the focus, else the newest' },
  { keys: '← →', does: 'details: the previous and the next of the list' },
  { keys: 'Space or K', does: 'video: play and pause' },
  { keys: ', .', does: 'video: one frame back and on' },
  { keys: '< >', does: 'video: slower and faster' },
  { keys: 'L, M, F', does: 'video: loop, mute, full screen' },
  { keys: 'Home', does: 'video: to the start' },
  { keys: '/', does: 'gallery and support: search' },
  { keys: '← ↑ → ↓', does: 'gallery: from card to card; Page Up, Page Down, Home and End go further' },
  { keys: 'Space', does: 'gallery: choose the card to compare; Enter opens it, Delete deletes it' },
  { keys: '+ − 0', does: 'picture: larger, smaller, whole; F: full screen; arrows pan' },
];

const KEY = 'reelworks-single-keys';

/** Whether keys without Ctrl act. Speech input and a slip of the hand may press one by mistake (WCAG 2.1.4). */
export const singleKeys = signal(localStorage.getItem(KEY) !== 'off');

effect(() => {
  if (singleKeys.value) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, 'off');
});

/** Whether a press is no command of the page: it goes into a field, or single keys are off. */
export function isNoCommand(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!singleKeys.value || event.ctrlKey || event.metaKey || event.altKey) return true;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
