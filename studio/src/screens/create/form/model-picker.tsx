import { useState } from 'preact/hooks';

import type { Kind, Model } from '../../../api/schemas';
import { Choice } from '../../../parts/choice';
import { Dialog } from '../../../parts/dialog';
import { Empty } from '../../../parts/empty';
import { Icon } from '../../../parts/icon';
import { models } from '../../../state/models';
import { makersOf, wantedModels, type Sorting, type Start, type Wanted } from './model-list';
import { priceText } from './prices';
import { change, chooseModel, values } from './state';

const KINDS = [
  { value: 'image' as const, label: <KindLabel kind="image" /> },
  { value: 'video' as const, label: <KindLabel kind="video" /> },
];

function KindLabel({ kind }: { kind: Kind }) {
  return (
    <>
      <Icon name={kind} />
      {kind === 'image' ? 'Image' : 'Video'}
    </>
  );
}

/** What to make, and with which model. */
export function ModelPicker({ model, onOpen, error }: { model: Model; onOpen: () => void; error?: string | undefined }) {
  return (
    <div class="picker">
      <div class="kinds">
        <Choice legend="Make" options={KINDS} value={values.value.kind} onChange={(kind) => change({ kind, compared: [] })} />
      </div>
      <button type="button" class="model-button" aria-haspopup="dialog" onClick={onOpen}>
        <span class="model-words">
          <span class="soft">Model{model.maker ? ` by ${model.maker}` : ''}</span>
          <strong>{model.title}</strong>
          <span class="soft good-for">For {model.good_for}</span>
          <Badges model={model} />
        </span>
        <span class="model-change">Change</span>
      </button>
      {error ? <p class="field-error">{error}</p> : null}
    </div>
  );
}

const QUALITIES = { draft: 'Draft quality', standard: 'Usual quality', high: 'High quality' } as const;
const SPEEDS = { fast: 'Fast', standard: 'Usual speed', slow: 'Slow' } as const;

/** The price, and everything else in which the model is not as usual. */
function Badges({ model }: { model: Model }) {
  const { speed, quality } = model;
  return (
    <span class="model-badges">
      <span class="model-badge price">{priceText(model)}</span>
      {speed && speed !== 'standard' ? <span class={`model-badge ${speed}`}>{SPEEDS[speed]}</span> : null}
      {quality && quality !== 'standard' ? <span class={`model-badge ${quality}`}>{QUALITIES[quality]}</span> : null}
      {model.capabilities?.audio ? <span class="model-badge">Sound</span> : null}
      {model.status === 'paused' ? <span class="model-badge warn">Paused</span> : null}
      {model.ends_on ? <span class="model-badge warn">Until {model.ends_on}</span> : null}
    </span>
  );
}

/** The dialog that shows all models. */
export function ModelDialog({ current, isOpen, onClose }: { current: Model; isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title="Choose a model" size="wide" isOpen={isOpen} onClose={onClose}>
      <Models current={current} onClose={onClose} />
    </Dialog>
  );
}

function Models({ current, onClose }: { current: Model; onClose: () => void }) {
  const [wanted, setWanted] = useState<Wanted>({
    kind: current.kind, text: '', maker: '', speed: '', quality: '', start: 'any', sorting: 'recommended',
  });
  const all = models.value ?? [];
  const found = wantedModels(all, wanted);
  const want = (fields: Partial<Wanted>) => setWanted({ ...wanted, ...fields });
  return (
    <div class="models">
      <div class="model-search">
        <Choice legend="Kind" options={KINDS} value={wanted.kind} onChange={(kind) => want({ kind, maker: '' })} />
        <input
          class="input"
          type="search"
          aria-label="Search"
          placeholder="Search by name, maker or use"
          value={wanted.text}
          onInput={(event) => want({ text: event.currentTarget.value })}
        />
      </div>
      <div class="model-filters">
        <Select label="Maker" value={wanted.maker} onChange={(maker) => want({ maker })} options={[['', 'All makers'], ...makersOf(all, wanted.kind).map(same)]} />
        <Select label="Begins with" value={wanted.start} onChange={(start) => want({ start: start as Start })} options={STARTS} />
        <Select label="Speed" value={wanted.speed} onChange={(speed) => want({ speed })} options={[['', 'Any speed'], ...Object.entries(SPEEDS)]} />
        <Select label="Quality" value={wanted.quality} onChange={(quality) => want({ quality })} options={[['', 'Any quality'], ...Object.entries(QUALITIES)]} />
        <Select label="Order" value={wanted.sorting} onChange={(sorting) => want({ sorting: sorting as Sorting })} options={SORTINGS} />
      </div>
      <p class="soft" role="status">
        {found.length} {found.length === 1 ? 'model' : 'models'}
      </p>
      {found.length ? null : <Empty icon="search">No model is like that. Ask for less.</Empty>}
      <ul class="model-list">
        {found.map((model) => (
          <li key={model.name}>
            <button
              type="button"
              class="model-card"
              aria-pressed={model.name === current.name}
              disabled={model.status !== 'active'}
              onClick={() => {
                chooseModel(model);
                onClose();
              }}
            >
              <span class="soft">{model.maker}</span>
              <strong>{model.title}</strong>
              <span class="good-for">For {model.good_for}</span>
              <Badges model={model} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

const STARTS: [string, string][] = [['any', 'Anything'], ['text', 'Text alone'], ['image', 'Pictures'], ['video', 'A video']];
const SORTINGS: [string, string][] = [['recommended', 'Recommended'], ['price', 'Cheapest first'], ['speed', 'Fastest first']];

function same(name: string): [string, string] {
  return [name, name];
}

interface SelectProps {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}

function Select({ label, value, options, onChange }: SelectProps) {
  return (
    <label class="model-filter">
      <span>{label}</span>
      <select class="input" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
