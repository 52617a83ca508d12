/** Lets a pointer drag the content of a frame that scrolls. Touch scrolls by itself. Returns a function that ends it. */
export function panByPointer(place: HTMLElement): () => void {
  let last: { x: number; y: number } | null = null;
  const ending = new AbortController();
  const { signal } = ending;
  place.addEventListener(
    'pointerdown',
    (event) => {
      if (event.pointerType === 'touch' || event.button !== 0) return;
      last = { x: event.clientX, y: event.clientY };
      place.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  place.addEventListener(
    'pointermove',
    (event) => {
      if (!last) return;
      place.scrollBy(last.x - event.clientX, last.y - event.clientY);
      last = { x: event.clientX, y: event.clientY };
    },
    { signal },
  );
  for (const name of ['pointerup', 'pointercancel']) place.addEventListener(name, () => (last = null), { signal });
  return () => ending.abort();
}
