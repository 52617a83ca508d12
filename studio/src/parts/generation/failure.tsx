import type { Generation } from '../../api/schemas';
import { isReadOnly } from '../../app/session';
import { to } from '../../app/routes';
import { sameSettings } from '../../state/drafts';
import { openDraft } from '../../state/draft';
import { Button } from '../button';
import { Icon } from '../icon';
import { costInWords } from './cost';
import { useRetry } from './actions';
import './generation.css';

/** An end without a result: the cause, whether it cost something, and the next step. */
export function Failure({ generation }: { generation: Generation }) {
  const { outcome, error, retried_by } = generation;
  const { retry, isBusy } = useRetry(generation);
  const mayRetry = outcome?.retryable !== false;
  return (
    <div class={`failure ${generation.status}`}>
      <p class="failure-cause">
        <Icon name={generation.status === 'failed' ? 'warning' : 'stop'} />
        <span>{outcome?.message ?? error?.message}</span>
      </p>
      {outcome && error ? <p class="soft">{error.message}</p> : null}
      <p>{costInWords(generation)}</p>
      {isReadOnly.value ? null : (
        <p class="button-row">
          {retried_by ? (
            <a class="button" href={to(`g/${retried_by}`)}>
              See the new try
            </a>
          ) : mayRetry ? (
            <Button icon="again" onClick={retry} isBusy={isBusy} aria-keyshortcuts="R">
              Try again
            </Button>
          ) : null}
          <Button onClick={() => openDraft(sameSettings(generation))}>Change it</Button>
        </p>
      )}
    </div>
  );
}
