import type { ComponentChildren } from 'preact';

import type { Generation } from '../../api/schemas';
import { to } from '../../app/routes';
import { Time } from '../time';
import { promptOf } from './media';
import { Thumb } from './thumb';

interface Props {
  generation: Generation;
  /** The shape of the picture's box, width divided by height. Left out: the shape of the result. */
  shape?: number;
  /** Stands below the text, outside the link: buttons, a rating. */
  children?: ComponentChildren;
}

/** A generation as a card: the picture and the text lead to its details. */
export function Card({ generation, shape, children }: Props) {
  return (
    <article class="card">
      <a class="card-link" href={to(`g/${generation.id}`)}>
        <Thumb generation={generation} alt="" {...(shape === undefined ? {} : { shape })} />
        <span class="card-text">{promptOf(generation)}</span>
      </a>
      <p class="card-facts">
        <span>{generation.model}</span>
        <Time at={generation.created_at} />
      </p>
      {children}
    </article>
  );
}
