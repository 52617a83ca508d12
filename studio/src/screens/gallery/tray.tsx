import { Button } from '../../parts/button';
import { comparison, MOST, selected } from './selection';

/** Shows what is chosen, and leads to the comparison. */
export function Tray() {
  const ids = selected.value;
  if (ids.length === 0) return null;
  return (
    <aside class="gallery-tray glass" aria-label="Chosen to compare">
      <span>{ids.length === 1 ? `One chosen. Choose ${MOST - 2} or ${MOST - 1} more.` : `${ids.length} chosen`}</span>
      {ids.length > 1 ? (
        <a class="button main" href={comparison(ids)}>
          Compare
        </a>
      ) : null}
      <Button kind="quiet" icon="close" label="Choose none" onClick={() => (selected.value = [])} />
    </aside>
  );
}
