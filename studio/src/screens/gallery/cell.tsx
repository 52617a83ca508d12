import { signal, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

import { asProblem } from '../../api/problem';
import type { Generation } from '../../api/schemas';
import { to } from '../../app/routes';
import { posterOf, promptOf } from '../../parts/media/media';
import { signOf } from '../../parts/media/thumb';
import { moment } from '../../parts/time';
import { readGeneration } from '../../state/generations';
import { badgeOf, coverOf, factsOf, labelOf } from './describe';
import { placeOf } from './filters';
import type { Entry, GalleryList } from './list';
import { selected, toggle } from './selection';

/** Whether the window moves so fast that pictures would only flash by. */
export const isFast = signal(false);

/** The ids of the generations that the server no longer has. */
const missing = signal<ReadonlySet<string>>(new Set());

interface Props {
  list: GalleryList;
  entry: Entry;
  /** The place in the list. */
  index: number;
  column: number;
  isTabbable: boolean;
}

/**
 * A card of the gallery: five elements, because the page holds few. The badge and the line of facts are drawn by the
 * style sheet from attributes; the link's name says them to screen readers.
 */
export function Cell({ list, entry, index, column, isTabbable }: Props) {
  const cover = coverOf(entry).value;
  const { id } = cover;
  const isStack = entry.generations.length > 1;
  const isSelected = selected.value.includes(id);
  const tabIndex = isTabbable ? 0 : -1;
  return (
    <div role="gridcell" class="gallery-cell" aria-colindex={column + 1} aria-selected={isStack ? undefined : isSelected}>
      <a
        class={`gallery-card ${cover.status}${isStack ? ' stack' : ''}`}
        href={isStack ? placeOf({ ...list.filters, batch: entry.batch }) : to(`g/${id}`)}
        data-index={index}
        data-badge={badgeOf(entry, cover)}
        data-facts={factsOf(cover)}
        aria-label={labelOf(entry, cover)}
        title={moment(cover.created_at)}
        tabIndex={tabIndex}
        draggable={false}
        onClick={() => list.leave(index)}
      >
        <Picture generation={cover} />
        <span class="gallery-prompt">{promptOf(cover)}</span>
      </a>
      {isStack ? null : (
        <input
          class="gallery-choice"
          type="checkbox"
          aria-label={`Compare: ${promptOf(cover)}`}
          title="Choose to compare"
          checked={isSelected}
          tabIndex={tabIndex}
          onChange={(event) => {
            toggle(id);
            event.currentTarget.checked = selected.value.includes(id);
          }}
        />
      )}
    </div>
  );
}

/** A word in the place of the picture; the space parts it from the prompt. */
function Sign({ text }: { text: string }) {
  return <span class="gallery-sign">{`${text} `}</span>;
}

const RETRIES = [2000, 10_000];

/** The picture, or a word in its place. A picture that does not come is asked for again, and then its document is. */
function Picture({ generation }: { generation: Generation }) {
  const { id } = generation;
  const failures = useRef({ id: '', count: 0 });
  const failed = useSignal<string | null>(null);
  const drawn = useRef('');
  const poster = posterOf(generation);
  if (missing.value.has(id)) return <Sign text="Deleted" />;
  if (!poster || failed.value === poster) return <Sign text={signOf(generation).text} />;
  if (drawn.current !== id && isFast.value) return <span class="gallery-sign" />;
  drawn.current = id;
  const fail = () => {
    if (failures.current.id !== id) failures.current = { id, count: 0 };
    failed.value = poster;
    const wait = RETRIES[failures.current.count++];
    void check(id).then(() => wait && setTimeout(() => failed.value === poster && (failed.value = null), wait));
  };
  return <img key={id} src={poster} alt="" decoding="async" draggable={false} onError={fail} />;
}

/** Learn whether a generation whose picture did not come is still there. */
async function check(id: string): Promise<void> {
  try {
    await readGeneration(id);
  } catch (thrown) {
    if (asProblem(thrown).status === 404) missing.value = new Set([...missing.value, id]);
  }
}
