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

/** Whether a key goes into a field, and so is no command. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
