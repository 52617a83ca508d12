import { signal } from '@preact/signals';

const said = signal('');

/** Tell a change of state to screen readers, politely. Not for each percent. */
export function announce(sentence: string): void {
  // The same sentence again is told only as a change of the text.
  said.value = said.value === sentence ? `${sentence}\u00a0` : sentence;
}

/** The one live region of the page. */
export function LiveRegion() {
  return (
    <p class="visually-hidden" aria-live="polite">
      {said}
    </p>
  );
}
