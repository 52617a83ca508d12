import { post } from '../../api/client';
import type { Generation } from '../../api/schemas';
import { go, to } from '../../app/routes';
import { isReadOnly } from '../../app/session';
import { addPlaced, knownGeneration } from '../../state/generations';
import { announce } from '../announce';
import { Button } from '../button';
import { Icon } from '../icon';
import { useAction } from './actions';
import { creditsInWords } from './cost';

/** Of a preview: makes the video from its picture, or leads to the video. Nothing for other generations. */
export function Continue({ generation }: { generation: Generation }) {
  const { id, status, preview_of: planned, continued_by: video } = generation;
  const { act, isBusy } = useAction(async () => {
    const made = await post<Generation>(`/v1/generations/${id}/continue`);
    addPlaced([made]);
    const preview = knownGeneration(id);
    if (preview) preview.value = { ...preview.value, continued_by: made.id };
    announce('The video is ordered');
    go(to(`g/${made.id}`));
  });
  if (video) {
    return (
      <a class="button" href={to(`g/${video}`)}>
        <Icon name="video" />
        See its video
      </a>
    );
  }
  if (!planned || status !== 'completed' || isReadOnly.value) return null;
  return (
    <Button icon="video" kind="main" onClick={act} isBusy={isBusy} title={`With ${planned.model}`}>
      {`Make the video (${creditsInWords(planned.credits)})`}
    </Button>
  );
}
