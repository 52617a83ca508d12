import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { asProblem, type Problem } from '../../api/problem';
import type { Generation } from '../../api/schemas';
import { route } from '../../app/routes';
import { Button } from '../../parts/button';
import { Empty } from '../../parts/empty';
import { useRetryKey } from '../../parts/generation/retry-key';
import { promptOf, shapeOf } from '../../parts/media/media';
import { Time } from '../../parts/time';
import { deleting } from '../../state/deleting';
import { knownGeneration, readGeneration } from '../../state/generations';
import { readModels } from '../../state/models';
import { Actions } from './actions';
import { Neighbours } from './neighbours';
import { Rating } from './rating';
import { Settings } from './settings';
import { Stage } from './stage';
import { Timeline } from './timeline';
import './details.css';

/** A generation with its player, its settings and its actions: `#/g/ID`. */
export function Details() {
  // The frame mounts this screen anew for another id.
  const id = route.peek().path[1] ?? '';
  const found = useSignal<Signal<Generation> | null>(knownGeneration(id) ?? null);
  const problem = useSignal<Problem | null>(null);
  const read = () => {
    problem.value = null;
    readGeneration(id)
      .then((each) => (found.value = each))
      .catch((thrown: unknown) => (problem.value = asProblem(thrown)));
  };
  useEffect(() => {
    scrollTo(0, 0);
    read();
    void readModels();
  }, []);
  if (deleting.value.has(id)) return <Missing text="This generation is deleted." />;
  if (problem.value && (problem.value.status === 404 || problem.value.status === 422)) {
    return <Missing text="There is no such generation. It may have been deleted." />;
  }
  if (found.value) return <Found generation={found.value.value} />;
  if (problem.value) return <Missing text={problem.value.message} retry={read} />;
  return <section class="screen details" aria-busy="true" aria-label="The generation is read" />;
}

function Missing({ text, retry }: { text: string; retry?: () => void }) {
  return (
    <section class="screen">
      <Neighbours />
      <div class="glass panel">
        <Empty icon="trash">
          <p>{text}</p>
          <p class="button-row details-missing">
            {retry ? (
              <Button icon="again" onClick={retry}>
                Try again
              </Button>
            ) : null}
            <a class="button" href="#/gallery">
              Go to the gallery
            </a>
          </p>
        </Empty>
      </div>
    </section>
  );
}

function Found({ generation }: { generation: Generation }) {
  const { id, kind, model, created_at } = generation;
  useRetryKey(() => knownGeneration(id)?.value);
  return (
    <section class="screen details">
      <Neighbours />
      <h1 class="visually-hidden">
        {kind}: {promptOf(generation)}
      </h1>
      <div class="details-stage glass" style={{ '--shape': String(shapeOf(generation)) }}>
        <Stage generation={generation} />
      </div>
      <div class="details-side">
        <p class="facts-line soft">
          <span>{model}</span>
          <Time at={created_at} />
        </p>
        <Actions generation={generation} />
        <Rating generation={generation} />
        <Settings generation={generation} />
        <Timeline key={generation.status} id={generation.id} />
      </div>
    </section>
  );
}
