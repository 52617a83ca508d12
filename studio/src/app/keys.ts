/** Every key of the page, for the list that `?` opens. A screen that adds a key adds a line here. */
export const KEYS: readonly { keys: string; does: string }[] = [
  { keys: '?', does: 'show this list' },
  { keys: 'Ctrl + Enter', does: 'generate, from any field of the form' },
];

/** Whether a key goes into a field, and so is no command. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
