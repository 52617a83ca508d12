import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { get } from '../../api/client';
import { asProblem } from '../../api/problem';
import type { Timeline as TimelineDocument, TimelineEntry } from '../../api/schemas';
import { moment } from '../../parts/time';
import { inWords } from './timeline-words';

/** What happened to a generation, in words. */
export function Timeline({ id }: { id: string }) {
  const entries = useSignal<readonly TimelineEntry[] | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    get<TimelineDocument>(`/v1/generations/${id}/timeline`)
      .then((timeline) => (entries.value = timeline.entries))
      .catch((thrown: unknown) => (problem.value = asProblem(thrown).message));
  }, [id]);
  return (
    <details class="glass panel details-part">
      <summary>
        <h2>What happened</h2>
      </summary>
      {problem.value ? <p role="alert">{problem.value}</p> : null}
      <ol class="details-timeline">
        {entries.value?.map((entry) => {
          const words = inWords(entry);
          return words === null ? null : (
            <li key={`${entry.at} ${words}`}>
              <time class="number soft" dateTime={entry.at} title={moment(entry.at)}>
                {after(entry.seconds)}
              </time>
              <span>{words}</span>
            </li>
          );
        })}
      </ol>
    </details>
  );
}

/** Seconds since the order, such as +12.3 s. */
function after(seconds: number): string {
  if (seconds < 100) return `+${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `+${minutes} min ${whole % 60} s` : `+${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
