import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

import { asProblem } from '../../api/problem';
import type { Generation } from '../../api/schemas';
import { route, to } from '../../app/routes';
import { Button } from '../../parts/button';
import { Empty } from '../../parts/empty';
import { creditsInWords } from '../../parts/generation/cost';
import { Icon } from '../../parts/icon';
import { contentOf, resultOf } from '../../parts/media/media';
import { knownGeneration, readGeneration } from '../../state/generations';
import { readModels } from '../../state/models';
import { comparison, MOST } from '../gallery/selection';
import { Column } from './column';
import { Conductor } from './conductor';
import { Table } from './table';
import { Transport } from './transport';
import './compare.css';

const LETTERS = ['A', 'B', 'C'] as const;

/** Two or three generations side by side. */
export function Compare() {
  const ids = [...new Set((route.value.query.get('ids') ?? '').split(',').filter(Boolean))].slice(0, MOST);
  useEffect(() => void readModels(), []);
  return (
    <section class="screen compare">
      <header class="compare-head">
        <h1>Compare</h1>
        <a class="button" href={to('gallery')}>
          <Icon name="grid" />
          <span>Choose others</span>
        </a>
      </header>
      {ids.length < 2 ? <TooFew /> : <SideBySide key={ids.join()} ids={ids} />}
    </section>
  );
}

function TooFew() {
  return (
    <Empty icon="compare">
      <h2>Choose two or three</h2>
      <p>In the gallery, mark the cards that you want to see side by side.</p>
      <p>
        <a class="button main" href={to('gallery')}>
          To the gallery
        </a>
      </p>
    </Empty>
  );
}

type Read = Signal<Generation> | { id: string; why: string } | null;

function SideBySide({ ids }: { ids: readonly string[] }) {
  const { read, again } = useGenerations(ids);
  const there = read.map((each) => (each && 'value' in each ? each.value : null)).filter((each) => each !== null);
  const failed = read.filter((each): each is { id: string; why: string } => each !== null && 'why' in each);
  const rates = there.map((each) => resultOf(each)?.frame_rate ?? 0);
  const rate = Math.max(0, ...rates) || null;
  const conductor = useMemo(() => new Conductor(rate), [rate]);
  useEffect(() => () => conductor.pause(), [conductor]);
  if (failed.length > 0) return <Failed failed={failed} ids={ids} again={again} />;
  if (there.length < ids.length) return <div class="compare-columns" aria-busy="true" data-count={ids.length} />;
  const videos = there.filter((each) => each.kind === 'video' && contentOf(each));
  const audible = there.map((each, at) => [LETTERS[at] ?? '', each] as const).filter(([, each]) => videos.includes(each) && each.inputs.generate_audio);
  return (
    <>
      <p class="soft">
        {creditsInWords(there.reduce((sum, { credits }) => sum + credits.price, 0))} in all.
      </p>
      <div class="compare-columns" data-count={ids.length}>
        {there.map((generation, at) => (
          <Column
            key={generation.id}
            letter={LETTERS[at] ?? ''}
            generation={generation}
            conductor={conductor}
            without={comparison(ids.filter((each) => each !== generation.id))}
          />
        ))}
      </div>
      {videos.length > 0 ? <Transport conductor={conductor} audible={audible} /> : null}
      <Table letters={LETTERS.slice(0, there.length)} generations={there} />
    </>
  );
}

function Failed({ failed, ids, again }: { failed: readonly { id: string; why: string }[]; ids: readonly string[]; again: () => void }) {
  const rest = ids.filter((id) => !failed.some((each) => each.id === id));
  return (
    <div class="glass panel compare-failed" role="alert">
      {failed.map(({ id, why }) => (
        <p key={id}>{why}</p>
      ))}
      <div class="row">
        <Button icon="again" onClick={again}>
          Try again
        </Button>
        {rest.length > 1 ? (
          <a class="button" href={comparison(rest)}>
            Compare the others
          </a>
        ) : null}
      </div>
    </div>
  );
}

/** Reads the generations, each once; those that the page knows show at once. */
function useGenerations(ids: readonly string[]): { read: readonly Read[]; again: () => void } {
  const read = useSignal<readonly Read[]>(ids.map((id) => knownGeneration(id) ?? null));
  const all = async () => {
    read.value = await Promise.all(
      ids.map((id) => readGeneration(id).catch((thrown: unknown) => knownGeneration(id) ?? { id, why: whyOf(thrown) })),
    );
  };
  useEffect(() => void all(), []);
  return { read: read.value, again: () => void all() };
}

function whyOf(thrown: unknown): string {
  const problem = asProblem(thrown);
  if (problem.status === 404 || problem.status === 422) return 'One of the generations is not there: it was deleted, or the address is not whole.';
  return problem.message;
}
