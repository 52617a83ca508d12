import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { go } from '../../app/routes';
import { Button } from '../../parts/button';
import { Field } from '../../parts/field';
import { models, readModels } from '../../state/models';
import { daysAgo, placeOf, STATES, type Filters, type State } from './filters';

const SPANS = [
  ['Today', 0],
  ['7 days', 6],
  ['30 days', 29],
] as const;

/** The filters that people use now and then. Each works at once. */
export function FilterPanel({ filters }: { filters: Filters }) {
  const change = (part: Partial<Filters>) => go(placeOf({ ...filters, ...part }));
  return (
    <div class="gallery-panel glass panel" id="gallery-panel">
      <States filters={filters} change={change} />
      <ModelField filters={filters} change={change} />
      <fieldset class="gallery-days">
        <legend>Ordered</legend>
        <Field label="From">
          {(ids) => <Day ids={ids} value={filters.from} max={filters.until} onChange={(from) => change({ from })} />}
        </Field>
        <Field label="Until">
          {(ids) => <Day ids={ids} value={filters.until} min={filters.from} onChange={(until) => change({ until })} />}
        </Field>
        <div class="gallery-spans">
          {SPANS.map(([words, days]) => (
            <Button key={words} kind="quiet" onClick={() => change({ from: daysAgo(days), until: null })}>
              {words}
            </Button>
          ))}
        </div>
      </fieldset>
      <EntryFields filters={filters} change={change} />
    </div>
  );
}

interface Part {
  filters: Filters;
  change: (part: Partial<Filters>) => void;
}

function States({ filters, change }: Part) {
  const { states } = filters;
  return (
    <fieldset class="choice">
      <legend>State</legend>
      <div class="choice-options">
        {(Object.keys(STATES) as State[]).map((state) => (
          <label key={state}>
            <input
              type="checkbox"
              checked={states.includes(state)}
              onChange={() => change({ states: states.includes(state) ? states.filter((each) => each !== state) : [...states, state] })}
            />
            <span>{STATES[state].label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function ModelField({ filters, change }: Part) {
  useEffect(() => void readModels(), []);
  const { model, kind } = filters;
  const there = (models.value ?? []).filter((each) => !kind || each.kind === kind).sort((one, other) => one.title.localeCompare(other.title));
  const isOther = model && !there.some(({ name }) => name === model);
  return (
    <Field label="Model">
      {(ids) => (
        <select {...ids} class="input" value={model ?? ''} onChange={(event) => change({ model: event.currentTarget.value || null })}>
          <option value="">Every model</option>
          {isOther ? <option value={model}>{model}</option> : null}
          {there.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface DayProps {
  ids: object;
  value: string | null;
  min?: string | null;
  max?: string | null;
  onChange: (day: string | null) => void;
}

function Day({ ids, value, min, max, onChange }: DayProps) {
  return (
    <input
      {...ids}
      class="input"
      type="date"
      value={value ?? ''}
      min={min ?? undefined}
      max={max ?? undefined}
      onChange={(event) => onChange(event.currentTarget.value || null)}
    />
  );
}

/** Key and value of metadata. They count once both are there. */
function EntryFields({ filters, change }: Part) {
  const key = useSignal(filters.entry?.[0] ?? '');
  const value = useSignal(filters.entry?.[1] ?? '');
  const written = filters.entry?.join('\n') ?? '';
  useEffect(() => {
    [key.value = '', value.value = ''] = filters.entry ?? [];
  }, [written]);
  const enter = () => {
    const entry = key.value && value.value ? ([key.value, value.value] as const) : null;
    if ((entry?.join('\n') ?? '') !== written) change({ entry });
  };
  return (
    <fieldset class="gallery-entry">
      <legend>An entry of the metadata</legend>
      <Field label="Key">
        {(ids) => (
          <input {...ids} class="input" maxLength={64} value={key} onInput={(event) => (key.value = event.currentTarget.value)} onChange={enter} />
        )}
      </Field>
      <Field label="Value">
        {(ids) => (
          <input {...ids} class="input" maxLength={500} value={value} onInput={(event) => (value.value = event.currentTarget.value)} onChange={enter} />
        )}
      </Field>
    </fieldset>
  );
}
