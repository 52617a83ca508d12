import type { Problem } from '../api/problem';
import { Button } from './button';
import { Icon } from './icon';

/** Says why something cannot be, with a way to try again where that may help. */
export function ProblemNote({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  return (
    <div class="problem-note bad" role="alert">
      <Icon name="warning" />
      <p>
        {problem.message}
        {problem.requestId && problem.status >= 500 ? <small> Request {problem.requestId}.</small> : null}
      </p>
      {onRetry ? (
        <Button icon="again" onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}
