import { effect, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

import { route } from '../../app/routes';
import { announce } from '../../parts/announce';
import { Button } from '../../parts/button';
import { Empty } from '../../parts/empty';
import { coalesced } from '../../state/coalesced';
import { placed } from '../../state/generations';
import { connection, news } from '../../state/live';
import { readModels } from '../../state/models';
import { BatchHead } from './batch-head';
import { FilterBar } from './filter-bar';
import { filtersOf, NO_FILTERS, placeOf } from './filters';
import { Foot } from './foot';
import { Grid } from './grid';
import type { GalleryList } from './list';
import { listFor } from './lists';
import { Tray } from './tray';
import './gallery.css';

/** All generations of the customer, with filters. */
export function Gallery() {
  const place = placeOf(filtersOf(route.value.query));
  const list = useMemo(() => listFor(filtersOf(route.value.query)), [place]);
  useEffect(() => void readModels(), []);
  const problem = list.problem.value?.field('q');
  return (
    <section class="screen gallery">
      <h1 class="visually-hidden">Gallery</h1>
      <FilterBar filters={list.filters} problem={problem ? `The search ${problem}.` : null} />
      {list.filters.batch && list.entries.value.length > 0 ? <BatchHead list={list} /> : null}
      <Listed key={place} list={list} />
      <Tray />
    </section>
  );
}

function Listed({ list }: { list: GalleryList }) {
  useFresh(list);
  const count = list.entries.value.length;
  if (list.reading.value === 'end' && count === 0) return <Nothing list={list} />;
  const isFirst = count === 0 && (list.reading.value === 'page' || list.reading.value === 'idle');
  return (
    <div class="gallery-list">
      <Waiting list={list} />
      {isFirst ? <div class="gallery-skeleton" aria-hidden="true" /> : null}
      <Grid list={list} />
      {isFirst ? null : <Foot list={list} />}
    </div>
  );
}

/** New generations do not move the cards under the person: they wait for a press. */
function Waiting({ list }: { list: GalleryList }) {
  const count = list.waiting.value.length;
  if (count === 0) return null;
  return (
    <Button
      class="gallery-waiting"
      icon="top"
      onClick={() => {
        list.takeWaiting();
        scrollTo(0, 0);
      }}
    >
      {`${count} new`}
    </Button>
  );
}

function Nothing({ list }: { list: GalleryList }) {
  const { batch } = list.filters;
  if (placeOf(list.filters) === placeOf(NO_FILTERS)) {
    return (
      <Empty icon="spark">
        <h2>Nothing here yet</h2>
        <p>What you make stands here: pictures and videos, the newest first.</p>
        <p>
          <a class="button main" href="#/create">
            Make the first one
          </a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty icon="search">
      <h2>{batch ? 'Nothing of this batch is here' : 'No generation meets these filters'}</h2>
      <p>{list.filters.q ? 'The search finds whole words of prompts, all of them together.' : 'Deleted generations are not listed.'}</p>
      <p>
        <a class="button" href={placeOf(NO_FILTERS)}>
          Show all generations
        </a>
      </p>
    </Empty>
  );
}

const AT_TOP = 160;
const PAUSE = 1000;

/** Finds new generations: when the person comes back, and when this page, another tab or a program has ordered. */
function useFresh(list: GalleryList): void {
  useEffect(() => {
    const ending = new AbortController();
    const look = coalesced(() => list.refresh(), PAUSE, ending.signal);
    const stop = effect(() => {
      // A stream that opens again may have missed some.
      void [placed.value, news.value, connection.value];
      look();
    });
    return () => {
      stop();
      ending.abort();
      list.stop();
    };
  }, [list]);
  useSignalEffect(() => {
    if (list.waiting.value.length > 0 && scrollY < AT_TOP && !document.activeElement?.closest('.gallery-grid')) list.takeWaiting();
  });
  useSignalEffect(() => {
    const count = list.entries.value.length;
    if (list.reading.value === 'end') announce(count === 0 ? 'Nothing found' : count === 1 ? 'One found' : `${count} found`);
  });
}
