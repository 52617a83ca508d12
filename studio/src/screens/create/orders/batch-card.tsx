import type { Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import type { Generation } from '../../../api/schemas';
import { to } from '../../../app/routes';
import { isReadOnly } from '../../../app/session';
import { Button } from '../../../parts/button';
import { cancelBatch, retryGeneration, useAction } from '../../../parts/generation/actions';
import { costInWords, creditsInWords } from '../../../parts/generation/cost';
import { Icon } from '../../../parts/icon';
import { Bar } from '../../../parts/generation/progress';
import { promptOf } from '../../../parts/media/media';
import { Thumb } from '../../../parts/media/thumb';
import { Time } from '../../../parts/time';
import { deleting } from '../../../state/deleting';
import { hasEnded, knownGeneration } from '../../../state/generations';
import { batches, isCancellable, readBatch } from '../../../state/orders';

interface Props {
  id: string;
  /** The generations that the list of orders has; the card reads the others. */
  members: readonly Signal<Generation>[];
}

/** The generations of one order in one card. */
export function BatchCard({ id, members }: Props) {
  useEffect(() => void readBatch(id), [id]);
  const outputs = batches.value.get(id);
  const shown = (outputs?.ids.map(knownGeneration) ?? members)
    .filter((each) => each !== undefined)
    .map(({ value }) => value)
    .filter((each) => !deleting.value.has(each.id));
  const [first] = shown;
  if (!first) return null;
  const rest = (outputs?.total ?? shown.length) - shown.length;
  const prompts = new Set(shown.map(promptOf));
  return (
    <article class="order batch glass" aria-label={`${shown.length + rest} outputs: ${promptOf(first)}`}>
      <div class="order-body">
        <p class="order-prompt">{prompts.size > 1 ? `${promptOf(first)} … and ${prompts.size - 1} more prompts` : promptOf(first)}</p>
        <p class="facts-line soft">
          <span>{first.model}</span>
          <Time at={first.created_at} />
        </p>
        <ul class="batch-pictures">
          {shown.map((each) => (
            <li key={each.id}>
              <a href={to(`g/${each.id}`)} aria-label={`${each.kind} ${wordOf(each)}: ${promptOf(each)}`}>
                <Thumb generation={each} shape={1} alt="" />
              </a>
            </li>
          ))}
        </ul>
        <BatchStanding id={id} generations={shown} rest={rest} />
      </div>
    </article>
  );
}

function wordOf({ status, progress }: Generation): string {
  return status === 'processing' ? `${progress} %` : status;
}

interface StandingProps {
  id: string;
  generations: readonly Generation[];
  /** The number of those that the card does not show. */
  rest: number;
}

function BatchStanding({ id, generations, rest }: StandingProps) {
  const failed = generations.filter(({ status, retried_by }) => (status === 'failed' || status === 'cancelled') && !retried_by);
  const ended = generations.filter(hasEnded).length;
  const percent = Math.round(generations.reduce((sum, each) => sum + (hasEnded(each) ? 100 : each.progress), 0) / generations.length);
  return (
    <>
      <p class="progress-top">
        <strong>
          {ended} of {generations.length} ended
        </strong>
        <span class="number">{ended < generations.length ? `${percent} %` : batchCost(generations)}</span>
      </p>
      <Bar percent={percent} label="Progress of all outputs" />
      {failed.map((each) => (
        <p key={each.id} class={`batch-failure ${each.status}`}>
          {each.outcome?.message ?? each.status} {costInWords(each)}
        </p>
      ))}
      <p class="action-line">
        <a class="button" href={to('gallery', { batch_id: id })}>
          <Icon name="stack" />
          {rest > 0 ? `${rest} more in the gallery` : 'In the gallery'}
        </a>
        {isReadOnly.value ? null : <BatchActions id={id} generations={generations} failed={failed} />}
      </p>
    </>
  );
}

function batchCost(generations: readonly Generation[]): string {
  return `${creditsInWords(generations.reduce((sum, { credits }) => sum + credits.captured, 0))} charged`;
}

interface ActionsProps {
  id: string;
  generations: readonly Generation[];
  failed: readonly Generation[];
}

function BatchActions({ id, generations, failed }: ActionsProps) {
  const cancel = useAction(() => cancelBatch(id));
  const mayRetry = failed.filter(({ outcome }) => outcome?.retryable !== false);
  const retry = useAction(async () => void (await Promise.all(mayRetry.map(retryGeneration))));
  return (
    <>
      {generations.some(isCancellable) ? (
        <Button icon="stop" onClick={cancel.act} isBusy={cancel.isBusy}>
          Cancel all
        </Button>
      ) : null}
      {mayRetry.length ? (
        <Button icon="again" onClick={retry.act} isBusy={retry.isBusy}>
          {mayRetry.length === 1 ? 'Try again' : `Try ${mayRetry.length} again`}
        </Button>
      ) : null}
    </>
  );
}
