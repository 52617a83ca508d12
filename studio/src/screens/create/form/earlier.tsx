import { useEffect, useState } from 'preact/hooks';

import { get } from '../../../api/client';
import { asProblem } from '../../../api/problem';
import type { Capabilities, Generation, Kind, Page } from '../../../api/schemas';
import { Button } from '../../../parts/button';
import { Dialog } from '../../../parts/dialog';
import { Empty } from '../../../parts/empty';
import { promptOf } from '../../../parts/media/media';
import { Thumb } from '../../../parts/media/thumb';
import { ago } from '../../../parts/time';
import { addResult } from './inputs-list';

interface Props {
  can: Capabilities;
  isOpen: boolean;
  onClose: () => void;
}

/** The customer's results that can be inputs of the model. */
export function EarlierResults({ can, isOpen, onClose }: Props) {
  return (
    <Dialog title="Use an earlier result" size="wide" isOpen={isOpen} onClose={onClose}>
      <Results can={can} onChoose={onClose} />
    </Dialog>
  );
}

function Results({ can, onChoose }: { can: Capabilities; onChoose: () => void }) {
  const [found, setFound] = useState<Page<Generation> | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const query = queryOf(can);
  const read = async (cursor: string | null) => {
    try {
      const page = await get<Page<Generation>>('/v1/generations', { ...query, cursor });
      setFound((known) => ({ ...page, data: [...(known?.data ?? []), ...page.data] }));
    } catch (thrown) {
      setProblem(asProblem(thrown).message);
    }
  };
  useEffect(() => void read(null), []);
  if (problem) return <p role="alert">{problem}</p>;
  if (!found) return <div class="earlier-results" aria-busy="true" />;
  if (!found.data.length) return <Empty icon="image">You have no result yet that this model takes.</Empty>;
  return (
    <>
      <ul class="earlier-results">
        {found.data.map((each) => (
          <li key={each.id}>
            <button
              type="button"
              class="earlier-result"
              title={promptOf(each)}
              onClick={() => {
                addResult(each);
                onChoose();
              }}
            >
              <Thumb generation={each} shape={4 / 3} alt="" />
              <span class="earlier-prompt">{promptOf(each)}</span>
              <small class="soft">{ago(each.created_at)}</small>
            </button>
          </li>
        ))}
      </ul>
      {found.has_more ? <Button onClick={() => void read(found.next_cursor)}>Show more</Button> : null}
    </>
  );
}

// A model that extends takes the videos of some models only.
function queryOf(can: Capabilities) {
  const kinds: Kind[] = [...(can.max_images ? (['image'] as const) : []), ...(can.max_videos ? (['video'] as const) : [])];
  return {
    status: 'completed',
    limit: 24,
    kind: kinds.length === 1 ? kinds[0] : null,
    model: can.extends.length === 1 ? can.extends[0] : null,
  };
}
