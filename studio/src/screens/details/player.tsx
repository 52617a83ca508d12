import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import type { Asset, Generation } from '../../api/schemas';
import { Download } from '../../parts/media/download';
import { posterOf, promptOf } from '../../parts/media/media';
import { PlayerControls } from './player-controls';
import { usePlayerKeys } from './player-keys';
import { Playback } from './playback';

interface Props {
  generation: Generation;
  result: Asset;
  src: string;
}

/** Plays a video. */
export function Player({ generation, result, src }: Props) {
  const frame = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const playback = useSignal<Playback | null>(null);
  const fails = useSignal(false);
  useEffect(() => {
    if (!video.current || !frame.current) return;
    const made = new Playback(video.current, frame.current, result.frame_rate);
    playback.value = made;
    return () => made.end();
  }, []);
  usePlayerKeys(playback);
  const poster = posterOf(generation);
  return (
    <figure class="player" ref={frame}>
      <video
        ref={video}
        src={src}
        {...(poster ? { poster } : {})}
        width={result.width}
        height={result.height}
        preload="metadata"
        playsInline
        aria-label={promptOf(generation)}
        onClick={() => playback.value?.toggle()}
        onError={() => (fails.value = true)}
      />
      {fails.value ? <CannotPlay generation={generation} result={result} /> : null}
      {playback.value ? (
        <PlayerControls playback={playback.value} length={result.duration_seconds ?? 0} />
      ) : (
        <div class="player-controls" />
      )}
    </figure>
  );
}

function CannotPlay({ generation, result }: { generation: Generation; result: Asset }) {
  return (
    <div class="player-problem" role="alert">
      <p>
        The browser cannot play this file ({result.content_type}, {result.codec}), or the connection is away.
      </p>
      <Download generation={generation} />
    </div>
  );
}
