import { useEffect, useState } from 'preact/hooks';

import { post } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Dialog } from '../../../parts/dialog';
import { credits } from '../../../parts/numbers';
import { ProblemNote } from '../../../parts/problem-note';
import { toast } from '../../../parts/toasts';

const SPANS = [
  { value: '3600', label: 'Last hour' },
  { value: '86400', label: 'Last day' },
  { value: '604800', label: 'Last week' },
  { value: '2592000', label: 'Last 30 days' },
] as const;

interface Counted {
  since: string;
  onlyFailed: boolean;
  count: number;
}

/** Sends the messages of a time again. Counts them first. */
export function RedeliverDialog({ endpointId, onClose, onSent }: { endpointId: string; onClose: () => void; onSent: () => void }) {
  const [span, setSpan] = useState<string>('86400');
  const [which, setWhich] = useState<'failed' | 'all'>('failed');
  const [counted, setCounted] = useState<Counted | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const path = `/v1/webhooks/endpoints/${endpointId}/redeliver`;
  useEffect(() => {
    const since = new Date(Date.now() - Number(span) * 1000).toISOString();
    const onlyFailed = which === 'failed';
    let isOld = false;
    setCounted(null);
    setProblem(null);
    post<{ count: number }>(path, { since, only_failed: onlyFailed, dry_run: true })
      .then(({ count }) => isOld || setCounted({ since, onlyFailed, count }))
      .catch((thrown: unknown) => isOld || setProblem(asProblem(thrown)));
    return () => void (isOld = true);
  }, [span, which]);
  const send = async ({ since, onlyFailed }: Counted) => {
    setBusy(true);
    try {
      const { count } = await post<{ count: number }>(path, { since, only_failed: onlyFailed });
      toast(count === 1 ? '1 message is sent again' : `${credits(count)} messages are sent again`);
      onSent();
      onClose();
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Send messages again"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" isBusy={isBusy} disabled={!counted?.count} onClick={() => counted && void send(counted)}>
            {counted?.count ? `Send ${credits(counted.count)} again` : 'Send again'}
          </Button>
        </>
      }
    >
      <Choice legend="Events of the" value={span} options={SPANS} onChange={setSpan} error={problem?.field('since')} />
      <Choice
        legend="Which"
        value={which}
        options={[
          { value: 'failed', label: 'Those that failed' },
          { value: 'all', label: 'All that have ended' },
        ]}
        onChange={setWhich}
      />
      <p class="soft" role="status">
        {counted
          ? counted.count === 0
            ? 'No message is to be sent.'
            : `${credits(counted.count)} ${counted.count === 1 ? 'message is' : 'messages are'} sent once more, with the same id.`
          : problem
            ? ''
            : 'Counting…'}
      </p>
      {problem && !problem.field('since') ? <ProblemNote problem={problem} /> : null}
    </Dialog>
  );
}
