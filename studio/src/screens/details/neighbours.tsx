import { useEffect } from 'preact/hooks';

import { isNoCommand } from '../../app/keys';
import { go, route, to } from '../../app/routes';
import { Icon } from '../../parts/icon';
import { deleting } from '../../state/deleting';
import { around } from '../../state/neighbours';

/** The ways to the previous and the next generation of the list from which the person came, also by the arrow keys. */
export function Neighbours() {
  const { previous, next } = around(route.value.path[1] ?? '');
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isNoCommand(event) || isPanning(event)) return;
      const wanted = event.key === 'ArrowLeft' ? previous : event.key === 'ArrowRight' ? next : null;
      if (wanted) go(to(`g/${wanted}`));
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [previous, next]);
  return (
    <nav class="details-way" aria-label="Generations">
      {previous ?? next ? <Way id={previous} icon="back" text="Previous" /> : null}
      <a class="button quiet" href="#/gallery">
        <Icon name="grid" />
        Gallery
      </a>
      {previous ?? next ? <Way id={next} icon="arrow" text="Next" /> : null}
    </nav>
  );
}

/** In a picture that is larger than its frame, the arrows pan. */
function isPanning({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('[data-pans]') !== null;
}

function Way({ id, icon, text }: { id: string | null; icon: 'back' | 'arrow'; text: string }) {
  const gone = id === null || deleting.value.has(id);
  return gone ? (
    <span class="button quiet details-no-way" aria-hidden="true">
      <Icon name={icon} />
      {text}
    </span>
  ) : (
    <a class="button quiet" href={to(`g/${id}`)} aria-keyshortcuts={icon === 'back' ? 'ArrowLeft' : 'ArrowRight'}>
      <Icon name={icon} />
      {text}
    </a>
  );
}
