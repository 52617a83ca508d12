import { useEffect, useRef } from 'preact/hooks';

import type { Pages } from '../state/pages';
import { Button } from './button';
import { ProblemNote } from './problem-note';

/** The end of an infinite list: reads on when it comes into view, and has a button for the keyboard. */
export function ListEnd({ pages, waits }: { pages: Pages<unknown>; /** Read on only by the button. */ waits?: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const isReading = pages.isReading.value;
  const hasMore = pages.hasMore.value;
  useEffect(() => {
    const element = place.current;
    // The observer tells at once whether the end is in view, so a short page is followed by the next one.
    if (waits || isReading || !hasMore || pages.problem.value || !element) return;
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && void pages.more(), { rootMargin: '300px' });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [pages, isReading, hasMore, waits]);
  if (pages.problem.value) return <ProblemNote problem={pages.problem.value} onRetry={() => void pages.more()} />;
  return (
    <div class="list-end" ref={place} aria-busy={isReading}>
      {hasMore ? (
        <Button isBusy={isReading} onClick={() => void pages.more()}>
          Show more
        </Button>
      ) : null}
    </div>
  );
}
