import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import type { Asset, Generation } from '../../api/schemas';
import { isNoCommand } from '../../app/keys';
import { Button } from '../../parts/button';
import { Download } from '../../parts/media/download';
import { promptOf } from '../../parts/media/media';
import { panByPointer } from './pan';

const STEP = 1.5;
const MOST = 8;

interface Props {
  generation: Generation;
  result: Asset;
  src: string;
}

/** Shows a picture. Zoomed in, the frame scrolls: by touch, wheel, pointer and arrow keys. */
export function Picture({ generation, result, src }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const zoom = useSignal(1);
  const fails = useSignal(false);
  const zoomTo = (wanted: number, at?: { x: number; y: number }) => {
    const next = Math.min(MOST, Math.max(1, wanted));
    const place = frame.current;
    if (!place || next === zoom.value) return;
    const point = at ?? { x: place.clientWidth / 2, y: place.clientHeight / 2 };
    const ratio = next / zoom.value;
    const left = (place.scrollLeft + point.x) * ratio - point.x;
    const top = (place.scrollTop + point.y) * ratio - point.y;
    zoom.value = next;
    place.style.setProperty('--zoom', String(next));
    place.scrollTo(left, top);
  };
  useEffect(() => (frame.current ? panByPointer(frame.current) : undefined), []);
  useEffect(() => zoomByWheel(frame.current, (factor, at) => zoomTo(zoom.value * factor, at)), []);
  const larger = () => zoomTo(zoom.value * STEP);
  const smaller = () => zoomTo(zoom.value / STEP);
  const fill = () => void toggleFull(frame.current);
  // Without Shift, the key of the plus is an equals sign.
  useZoomKeys({ '+': larger, '=': larger, '-': smaller, '0': () => zoomTo(1), f: fill });
  const isZoomed = zoom.value > 1;
  if (fails.value) return <CannotShow generation={generation} result={result} />;
  return (
    <figure class="picture">
      <div
        ref={frame}
        class="picture-frame"
        tabIndex={0}
        role="region"
        aria-label={isZoomed ? 'The picture, larger than its frame: arrows pan' : 'The picture'}
        data-pans={isZoomed || undefined}
        onDblClick={({ offsetX: x, offsetY: y }) => zoomTo(isZoomed ? 1 : 2.5, { x, y })}
      >
        <img
          src={src}
          alt={promptOf(generation)}
          width={result.width}
          height={result.height}
          draggable={false}
          onError={() => (fails.value = true)}
        />
      </div>
      <div class="picture-buttons" role="group" aria-label="Zoom">
        <Button kind="quiet" icon="less" label="Smaller" onClick={smaller} disabled={!isZoomed} aria-keyshortcuts="-" />
        <output class="number">{Math.round(zoom.value * 100)} %</output>
        <Button kind="quiet" icon="plus" label="Larger" onClick={larger} disabled={zoom.value >= MOST} aria-keyshortcuts="+" />
        {document.fullscreenEnabled ? (
          <Button kind="quiet" icon="full" label="Full screen" onClick={fill} aria-keyshortcuts="F" />
        ) : null}
      </div>
    </figure>
  );
}

function toggleFull(place: HTMLElement | null): Promise<void> | undefined {
  if (document.fullscreenElement) return document.exitFullscreen();
  return document.fullscreenEnabled ? place?.parentElement?.requestFullscreen() : undefined;
}

/** The wheel zooms with Ctrl, which is also the pinch of a touch pad; alone it scrolls the page. */
function zoomByWheel(place: HTMLElement | null, zoom: (factor: number, at: { x: number; y: number }) => void): (() => void) | undefined {
  if (!place) return undefined;
  const turn = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top } = place.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), { x: event.clientX - left, y: event.clientY - top });
  };
  place.addEventListener('wheel', turn, { passive: false });
  return () => place.removeEventListener('wheel', turn);
}

function useZoomKeys(commands: Record<string, () => void>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isNoCommand(event) || (event.target instanceof Element && event.target.closest('dialog'))) return;
      commands[event.key]?.();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function CannotShow({ generation, result }: Omit<Props, 'src'>) {
  return (
    <div class="stage-message" role="alert">
      <p>The browser cannot show this picture ({result.content_type}), or the connection is away.</p>
      <Download generation={generation} />
    </div>
  );
}
