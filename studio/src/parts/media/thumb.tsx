import { useState } from 'preact/hooks';

import type { Generation } from '../../api/schemas';
import { Icon, type IconName } from '../icon';
import { isGone, lengthOf, posterOf, promptOf, shapeOf } from './media';
import './media.css';

interface Props {
  generation: Generation;
  /** The shape of the box, width divided by height. Left out: the shape of the result. */
  shape?: number;
  /** The text for screen readers. Empty where the text stands beside the picture. */
  alt?: string;
}

/** The still picture of a generation in a box of a fixed shape; a sign in the picture's place while there is none. */
export function Thumb({ generation, shape, alt }: Props) {
  const poster = posterOf(generation);
  const [failed, setFailed] = useState<string | null>(null);
  const shown = poster !== null && poster !== failed;
  const { kind } = generation;
  return (
    <span class={`thumb ${generation.status}`} style={{ '--shape': String(shape ?? shapeOf(generation)) }}>
      {shown ? (
        <img src={poster} alt={alt ?? promptOf(generation)} loading="lazy" decoding="async" onError={() => setFailed(poster)} />
      ) : (
        <Sign {...signOf(generation)} />
      )}
      <span class="thumb-badge">
        <Icon name={kind === 'video' ? 'video' : 'image'} />
        <span class="visually-hidden">{kind}</span>
        {lengthOf(generation)}
      </span>
    </span>
  );
}

function Sign({ icon, text }: { icon: IconName; text: string }) {
  return (
    <span class="thumb-sign">
      <Icon name={icon} />
      {text}
    </span>
  );
}

/** What stands in the place of a picture. */
export function signOf(generation: Generation): { icon: IconName; text: string } {
  const { status, kind, progress } = generation;
  if (isGone(generation)) return { icon: 'trash', text: 'No longer available' };
  if (status === 'completed') return { icon: kind === 'video' ? 'video' : 'image', text: 'No preview' };
  if (status === 'failed') return { icon: 'warning', text: 'Failed' };
  if (status === 'cancelled') return { icon: 'stop', text: 'Cancelled' };
  return { icon: 'spark', text: status === 'queued' ? 'Queued' : `${progress} %` };
}
