import type { Signal } from '@preact/signals';

import type { Generation } from '../../../api/schemas';
import { to } from '../../../app/routes';
import { Cancel } from '../../../parts/generation/cancel';
import { Continue } from '../../../parts/generation/continue';
import { costInWords } from '../../../parts/generation/cost';
import { Failure } from '../../../parts/generation/failure';
import { Progress } from '../../../parts/generation/progress';
import { Download } from '../../../parts/media/download';
import { promptOf } from '../../../parts/media/media';
import { Thumb } from '../../../parts/media/thumb';
import { seconds } from '../../../parts/numbers';
import { Time } from '../../../parts/time';
import { Icon } from '../../../parts/icon';
import { hasEnded } from '../../../state/generations';

/** One order. The picture's place and the height stay the same from the order to the result. */
export function OrderCard({ order }: { order: Signal<Generation> }) {
  const { value } = order;
  const { id, kind, model, created_at } = value;
  return (
    <article class="order glass" data-order={id} aria-label={`${kind}: ${promptOf(value)}`}>
      <a class="order-picture" href={to(`g/${id}`)} tabIndex={-1} aria-hidden="true">
        <Thumb generation={value} shape={1} alt="" />
      </a>
      <div class="order-body">
        <a class="order-prompt" href={to(`g/${id}`)}>
          {promptOf(value)}
        </a>
        <p class="facts-line soft">
          <span>{model}</span>
          <Time at={created_at} />
        </p>
        <Standing generation={value} />
      </div>
    </article>
  );
}

function Standing({ generation }: { generation: Generation }) {
  if (!hasEnded(generation)) {
    return (
      <>
        <Progress generation={generation} />
        <p class="action-line">
          <Cancel generation={generation} />
        </p>
      </>
    );
  }
  return generation.status === 'completed' ? <Result generation={generation} /> : <Failure generation={generation} />;
}

function Result({ generation }: { generation: Generation }) {
  const { id, created_at, finished_at } = generation;
  const took = finished_at ? (Date.parse(finished_at) - Date.parse(created_at)) / 1000 : null;
  return (
    <>
      <p>
        {generation.preview_of ? 'Preview ready' : 'Ready'}
        {took === null ? '' : ` in ${seconds(took)}`}. {costInWords(generation)}
      </p>
      <p class="action-line">
        <Continue generation={generation} />
        <a class="button" href={to(`g/${id}`)}>
          <Icon name={generation.kind === 'video' ? 'play' : 'eye'} />
          {generation.kind === 'video' ? 'Play' : 'View'}
        </a>
        <Download generation={generation} />
      </p>
    </>
  );
}
