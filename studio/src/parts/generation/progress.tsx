import { useEffect } from 'preact/hooks';

import type { Generation } from '../../api/schemas';
import { seconds } from '../numbers';
import { now, Time } from '../time';
import { watchPlace } from '../../state/places';
import { restOf, usualOf, type Rest } from '../../state/usual';
import { promptOf } from '../media/media';
import { MARKS, placeInWords, STAGES } from './stages';
import './generation.css';

/** How far an unfinished generation is: stage, percent, elapsed time, estimated rest, place in the queue. */
export function Progress({ generation }: { generation: Generation }) {
  const { stage, progress, queue, cancel_requested_at } = generation;
  const { label, from, to } = STAGES[stage];
  const { id } = generation;
  const waits = generation.status === 'queued';
  useEffect(() => (waits ? watchPlace(id) : undefined), [id, waits]);
  return (
    <div class="progress">
      <p class="progress-top">
        <strong>{cancel_requested_at ? 'Asked to stop' : label}</strong>
        <span class="number">{progress} %</span>
      </p>
      <Bar percent={progress} label={`Progress: ${promptOf(generation)}`} text={`${progress} %, ${label}, ${from} to ${to} %`} />
      <p class="progress-times soft">
        <Elapsed since={generation.created_at} />
        <RestInWords generation={generation} />
      </p>
      <p class="progress-place soft">
        {cancel_requested_at ? 'The credits stay held until the provider confirms.' : queue ? <Place generation={generation} /> : null}
      </p>
    </div>
  );
}

/** A bar with marks where the stages begin. */
export function Bar({ percent, label, text }: { percent: number; label: string; text?: string }) {
  return (
    <span class="marked-bar">
      <progress class="bar" max={100} value={percent} aria-label={label} aria-valuetext={text} />
      {MARKS.map((mark) => (
        <i key={mark} style={{ '--at': `${mark}%` }} aria-hidden="true" />
      ))}
    </span>
  );
}

function Place({ generation: { queue } }: { generation: Generation }) {
  if (!queue) return null;
  return (
    <>
      {placeInWords(queue)}
      {queue.estimated_start_at ? (
        <>
          , starts <Time at={queue.estimated_start_at} />
        </>
      ) : null}
    </>
  );
}

function Elapsed({ since }: { since: string }) {
  return <span class="number">{seconds((now.value - new Date(since).getTime()) / 1000)} so far</span>;
}

function RestInWords({ generation }: { generation: Generation }) {
  const rest = restOf(generation, usualOf(generation).value, now.value);
  return rest ? <span class="number">{restInWords(rest)}</span> : null;
}

/** A range of seconds that are left, such as “about 20 to 45 s left”. */
export function restInWords({ from, to }: Rest): string {
  if (to < 1) return 'longer than usual';
  const [low, high] = [seconds(from), seconds(Math.ceil(to))];
  if (from < 1) return `at most ${high} left, usually`;
  // A narrow range is one number.
  if (to - from < Math.max(2, to / 10)) return `about ${high} left`;
  return from < 60 && to < 60 ? `about ${Math.round(from)} to ${high} left` : `about ${low} to ${high} left`;
}
