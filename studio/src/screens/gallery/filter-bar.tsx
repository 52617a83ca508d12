import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { isNoCommand } from '../../app/keys';
import { go } from '../../app/routes';
import { Button } from '../../parts/button';
import { Choice } from '../../parts/choice';
import { Icon } from '../../parts/icon';
import { titleOf } from './describe';
import { FilterPanel } from './filter-panel';
import { chipsOf, NO_FILTERS, placeOf, type Filters } from './filters';

const KINDS = [
  { value: 'all', label: 'All' },
  { value: 'image', label: 'Images' },
  { value: 'video', label: 'Videos' },
] as const;

interface Props {
  filters: Filters;
  /** Why the words cannot be searched for. */
  problem: string | null;
}

/** Search, kind, the panel with the other filters, and a chip for each filter that is set. */
export function FilterBar({ filters, problem }: Props) {
  const isOpen = useSignal(false);
  const chips = chipsOf(filters, titleOf);
  const clear = placeOf({ ...NO_FILTERS, batch: filters.batch });
  return (
    <div class="gallery-filters">
      <Search filters={filters} problem={problem} />
      <Choice
        legend="Kind"
        options={KINDS}
        value={filters.kind ?? 'all'}
        onChange={(kind) => go(placeOf({ ...filters, kind: kind === 'all' ? null : kind }))}
      />
      <Button icon="filter" aria-expanded={isOpen.value} aria-controls="gallery-panel" onClick={() => (isOpen.value = !isOpen.value)}>
        Filters
      </Button>
      {isOpen.value ? <FilterPanel filters={filters} /> : null}
      {chips.length > 0 ? (
        <ul class="gallery-chips" aria-label="Filters that are set">
          {chips.map(({ words, without }) => (
            <li key={words}>
              <a class="gallery-chip" href={placeOf(without)} aria-label={`Take away the filter ${words}`}>
                {words}
                <Icon name="close" />
              </a>
            </li>
          ))}
          <li>
            <a class="gallery-chip plain" href={clear}>
              Take away all
            </a>
          </li>
        </ul>
      ) : null}
    </div>
  );
}

const PAUSE = 400;

function Search({ filters, problem }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { q } = filters;
  useEffect(() => {
    const box = input.current;
    // A person who types is ahead of the address.
    if (box && document.activeElement !== box) box.value = q ?? '';
  }, [q]);
  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      if (event.key !== '/' || isNoCommand(event)) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', slash);
    return () => {
      removeEventListener('keydown', slash);
      clearTimeout(timer.current);
    };
  }, []);
  const search = () => {
    clearTimeout(timer.current);
    const words = input.current?.value.trim() || null;
    if (words !== q) go(placeOf({ ...filters, q: words }), { replace: true });
  };
  return (
    <form
      class="gallery-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search();
      }}
    >
      <input
        ref={input}
        class="input"
        type="search"
        aria-label="Search in prompts"
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? 'gallery-search-problem' : undefined}
        placeholder="Search in prompts"
        maxLength={200}
        onInput={() => {
          clearTimeout(timer.current);
          timer.current = setTimeout(search, PAUSE);
        }}
      />
      {problem ? (
        <p class="field-error" id="gallery-search-problem">
          {problem}
        </p>
      ) : null}
    </form>
  );
}
