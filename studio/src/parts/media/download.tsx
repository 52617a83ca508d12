import type { Generation } from '../../api/schemas';
import { Icon } from '../icon';
import { downloadOf } from './media';

interface Props {
  generation: Generation;
  kind?: 'main' | 'plain';
  children?: string;
}

/** A link that saves the result's file. Nothing where there is no file. */
export function Download({ generation, kind = 'plain', children = 'Download' }: Props) {
  const address = downloadOf(generation);
  return address ? (
    <a class={`button ${kind}`} href={address} download>
      <Icon name="down" />
      <span>{children}</span>
    </a>
  ) : null;
}
