import { useEffect, useRef } from 'preact/hooks';

import type { Generation } from '../../api/schemas';
import { go, to } from '../../app/routes';
import { Button } from '../../parts/button';
import { Icon } from '../../parts/icon';
import { contentOf, posterOf, promptOf, resultOf, shapeOf } from '../../parts/media/media';
import { signOf } from '../../parts/media/thumb';
import { titleOf } from '../gallery/describe';
import type { Conductor } from './conductor';

interface Props {
  letter: string;
  generation: Generation;
  conductor: Conductor;
  /** The address without this generation. */
  without: string;
}

/** One generation of the comparison. */
export function Column({ letter, generation, conductor, without }: Props) {
  const { id, model } = generation;
  return (
    <article class="compare-column" aria-label={`${letter}: ${promptOf(generation)}`}>
      <header>
        <h2>
          <span class="compare-letter">{letter}</span> {titleOf(model)}
        </h2>
        <Button kind="quiet" icon="close" label={`Take ${letter} out`} onClick={() => go(without, { replace: true })} />
      </header>
      <div class="compare-media" style={{ '--shape': String(shapeOf(generation)) }}>
        <Media generation={generation} conductor={conductor} />
      </div>
      <a class="button" href={to(`g/${id}`)}>
        <Icon name="eye" />
        <span>Open {letter}</span>
      </a>
    </article>
  );
}

function Media({ generation, conductor }: Pick<Props, 'generation' | 'conductor'>) {
  const { id, kind } = generation;
  const [content, poster, result] = [contentOf(generation), posterOf(generation), resultOf(generation)];
  const size = result ? { width: result.width, height: result.height } : {};
  if (kind === 'video' && content) return <Video key={id} id={id} src={content} poster={poster} size={size} label={promptOf(generation)} conductor={conductor} />;
  if (poster) return <img src={poster} alt={promptOf(generation)} {...size} />;
  const { icon, text } = signOf(generation);
  return (
    <p class="compare-sign">
      <Icon name={icon} />
      {text}
    </p>
  );
}

interface VideoProps {
  id: string;
  src: string;
  poster: string | null;
  size: { width?: number; height?: number };
  label: string;
  conductor: Conductor;
}

function Video({ id, src, poster, size, label, conductor }: VideoProps) {
  const place = useRef<HTMLVideoElement>(null);
  useEffect(() => (place.current ? conductor.add(id, place.current) : undefined), [conductor, id]);
  return (
    <video
      ref={place}
      src={src}
      {...(poster ? { poster } : {})}
      {...size}
      preload="auto"
      muted
      playsInline
      aria-label={label}
      onClick={() => conductor.toggle()}
    />
  );
}
