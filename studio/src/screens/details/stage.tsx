import type { Generation } from '../../api/schemas';
import { Empty } from '../../parts/empty';
import { Cancel } from '../../parts/generation/cancel';
import { Failure } from '../../parts/generation/failure';
import { Progress } from '../../parts/generation/progress';
import { contentOf, isGone, resultOf } from '../../parts/media/media';
import { Time } from '../../parts/time';
import { hasEnded } from '../../state/generations';
import { Picture } from './picture';
import { Player } from './player';

/** The result, or why there is none. */
export function Stage({ generation }: { generation: Generation }) {
  const content = contentOf(generation);
  const result = resultOf(generation);
  if (!hasEnded(generation)) return <Unfinished generation={generation} />;
  if (generation.status !== 'completed') {
    return (
      <div class="stage-message">
        <Failure generation={generation} />
      </div>
    );
  }
  if (!content || !result) return <Gone generation={generation} />;
  // Some makers deliver a video as an animated picture.
  if (result.content_type.startsWith('video/')) return <Player key={content} generation={generation} result={result} src={content} />;
  return <Picture key={content} generation={generation} result={result} src={content} />;
}

function Unfinished({ generation }: { generation: Generation }) {
  return (
    <div class="stage-message">
      <Progress generation={generation} />
      <p class="action-line">
        <Cancel generation={generation} />
      </p>
    </div>
  );
}

function Gone({ generation }: { generation: Generation }) {
  const expired = resultOf(generation)?.expired_at;
  return (
    <Empty icon="trash">
      <p>No longer available.</p>
      {isGone(generation) && expired ? (
        <p>
          The file was deleted <Time at={expired} /> when its time was over. “Same settings” orders it anew.
        </p>
      ) : null}
    </Empty>
  );
}
