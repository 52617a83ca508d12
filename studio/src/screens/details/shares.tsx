import { useSignal } from '@preact/signals';

import { get, post, remove } from '../../api/client';
import { serverNow } from '../../api/clock';
import { asProblem } from '../../api/problem';
import type { Generation, Share } from '../../api/schemas';
import { isReadOnly } from '../../app/session';
import { Button } from '../../parts/button';
import { Choice } from '../../parts/choice';
import { copyText } from '../../parts/copy';
import { Dialog } from '../../parts/dialog';
import { useAction } from '../../parts/generation/actions';
import { Time } from '../../parts/time';
import { announce } from '../../parts/announce';

const DAY = 86_400;
const TIMES = [
  { value: '3600', label: '1 hour' },
  { value: String(DAY), label: '1 day' },
  { value: String(7 * DAY), label: '7 days' },
  { value: String(30 * DAY), label: '30 days' },
  { value: String(90 * DAY), label: '90 days' },
] as const;

/** Makes links by which everybody may see the result, and lists and ends them. */
export function Shares({ generation }: { generation: Generation }) {
  const isOpen = useSignal(false);
  return (
    <>
      <Button icon="link" onClick={() => (isOpen.value = true)}>
        Share
      </Button>
      <Dialog title="Share" isOpen={isOpen.value} onClose={() => (isOpen.value = false)}>
        <SharesContent id={generation.id} />
      </Dialog>
    </>
  );
}

function SharesContent({ id }: { id: string }) {
  const path = `/v1/generations/${id}/shares`;
  const shares = useSignal<readonly Share[] | null>(null);
  const problem = useSignal<string | null>(null);
  const time = useSignal<string>(TIMES[2].value);
  const read = async () => {
    try {
      shares.value = (await get<{ data: Share[] }>(path)).data;
    } catch (thrown) {
      problem.value = asProblem(thrown).message;
    }
  };
  if (shares.value === null && problem.value === null) void read();
  const make = useAction(async () => {
    const made = await post<Share>(path, { expires_in: Number(time.value) });
    shares.value = [made, ...(shares.value ?? [])];
    await copyText(made.url, 'Link');
  });
  const end = async (share: Share) => {
    await remove(`${path}/${share.id}`);
    announce('The link has ended');
    await read();
  };
  return (
    <>
      <p>Everybody with the link sees the result, without a key, but neither the prompt nor your name.</p>
      {isReadOnly.value ? null : (
        <>
          <Choice legend="The link works for" options={TIMES} value={time.value} onChange={(value) => (time.value = value)} />
          <p>
            <Button kind="main" icon="link" onClick={make.act} isBusy={make.isBusy}>
              Make a link and copy it
            </Button>
          </p>
        </>
      )}
      {problem.value ? <p role="alert">{problem.value}</p> : null}
      {shares.value?.length === 0 ? <p class="soft">There is no link yet.</p> : null}
      <ul class="shares" aria-label="Links" aria-busy={shares.value === null && problem.value === null}>
        {shares.value?.map((share) => (
          <ShareLine key={share.id} share={share} onEnd={() => end(share)} />
        ))}
      </ul>
    </>
  );
}

function ShareLine({ share, onEnd }: { share: Share; onEnd: () => Promise<void> }) {
  const { act, isBusy } = useAction(onEnd);
  const { url, views, expires_at, revoked_at } = share;
  const hasExpired = Date.parse(expires_at) <= serverNow();
  const seen = `seen ${views} ${views === 1 ? 'time' : 'times'}`;
  if (revoked_at || hasExpired) {
    return (
      <li class="soft">
        Ended <Time at={revoked_at ?? expires_at} />, {seen}
      </li>
    );
  }
  return (
    <li>
      <a href={url} target="_blank" rel="noreferrer">
        {url}
      </a>
      <p class="soft">
        Ends <Time at={expires_at} />, {seen}
      </p>
      <p class="button-row">
        <Button icon="copy" onClick={() => void copyText(url, 'Link')}>
          Copy
        </Button>
        {isReadOnly.value ? null : (
          <Button icon="close" onClick={act} isBusy={isBusy}>
            End the link
          </Button>
        )}
      </p>
    </li>
  );
}
