import type { Status } from '../../api/schemas';
import { Icon } from '../../parts/icon';
import { credits } from '../../parts/numbers';
import { posterOf } from '../../parts/media/media';
import { placeOf } from './filters';
import type { GalleryList } from './list';
import { comparison, MOST } from './selection';

const WORDS: Record<Status, string> = { queued: 'queued', processing: 'in progress', completed: 'completed', failed: 'failed', cancelled: 'cancelled' };

/** Above the cards of an open batch: how it goes, and the way back. */
export function BatchHead({ list }: { list: GalleryList }) {
  const all = list.entries.value.flatMap(({ generations }) => generations.map(({ value }) => value));
  const counts = (Object.keys(WORDS) as Status[])
    .map((status) => [all.filter((each) => each.status === status).length, WORDS[status]] as const)
    .filter(([count]) => count > 0);
  const price = all.reduce((sum, each) => sum + each.credits.price, 0);
  const shown = all.filter((each) => posterOf(each)).map(({ id }) => id);
  return (
    <div class="gallery-batch glass panel">
      <a class="button" href={placeOf({ ...list.filters, batch: null })}>
        <Icon name="back" />
        <span>All generations</span>
      </a>
      <h2>A batch of {all.length}</h2>
      <p class="soft">{[...counts.map(([count, words]) => `${count} ${words}`), `${credits(price)} credits`].join(' · ')}</p>
      {shown.length > 1 ? (
        <a class="button" href={comparison(shown.slice(0, MOST))}>
          <Icon name="compare" />
          <span>Compare {Math.min(shown.length, MOST)}</span>
        </a>
      ) : null}
    </div>
  );
}
