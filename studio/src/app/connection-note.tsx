import { useEffect, useState } from 'preact/hooks';

import { Icon } from '../parts/icon';
import { connection } from '../state/live';

/** A connection that returns within this time is no news. */
const CALM = 4000;

/** A calm note while the stream of events is away. */
export function ConnectionNote() {
  const isAway = connection.value === 'away';
  const [isShown, show] = useState(false);
  useEffect(() => {
    if (!isAway) return show(false);
    const timer = setTimeout(() => show(true), CALM);
    return () => clearTimeout(timer);
  }, [isAway]);
  return (
    <div role="status" class="connection-place">
      {isShown ? (
        <p class="connection-note glass">
          <Icon name="pause" />
          The connection is away. Your orders go on, and the page catches up by itself.
        </p>
      ) : null}
    </div>
  );
}
