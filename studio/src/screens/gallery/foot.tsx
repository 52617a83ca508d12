import { Button } from '../../parts/button';
import type { GalleryList } from './list';

/** Below the cards: what the list does, and the way on when a page does not come. */
export function Foot({ list }: { list: GalleryList }) {
  return <div class="gallery-foot">{said(list)}</div>;
}

function said(list: GalleryList) {
  const again = (words: string) => <Button onClick={() => void list.again()}>{words}</Button>;
  switch (list.reading.value) {
    case 'failed':
      // The search box says what is wrong with its words.
      if (list.problem.value?.field('q')) return null;
      return (
        <>
          <p role="alert">{list.problem.value?.message}</p>
          {again('Try again')}
        </>
      );
    case 'paused':
      return (
        <>
          <p>No further match among those that were looked at.</p>
          {again('Look further back')}
        </>
      );
    case 'end':
      return list.entries.value.length > 0 ? <p class="soft">That is all.</p> : null;
    default:
      if (!list.isSlow.value) return <p class="soft">Reading…</p>;
      return (
        <>
          <p role="status">This takes longer than it should.</p>
          {again('Ask again')}
        </>
      );
  }
}
