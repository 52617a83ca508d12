import { useEffect, useState } from 'preact/hooks';
import { signal } from '@preact/signals';

import { get } from '../../../api/client';
import { asProblem, type Problem } from '../../../api/problem';
import type { Endpoint, EventTypeInfo } from '../../../api/schemas';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Dialog } from '../../../parts/dialog';
import { Field } from '../../../parts/field';
import { ProblemNote } from '../../../parts/problem-note';
import { wrongUrl } from './words';

const catalogue = signal<EventTypeInfo[]>([]);

interface Props {
  title: string;
  action: string;
  /** Omitted: a new endpoint. */
  endpoint?: Endpoint;
  onSend: (body: object) => Promise<void>;
  onClose: () => void;
}

type Hears = 'ends' | 'generations' | 'all' | 'some';

const ENDS = ['generation.completed', 'generation.failed', 'generation.cancelled'];
const TYPES: Record<Exclude<Hears, 'some'>, string[]> = { ends: ENDS, generations: ['generation.*'], all: ['*'] };

function hearsOf(types: readonly string[]): Hears {
  const written = [...types].sort().join();
  return (Object.keys(TYPES) as (keyof typeof TYPES)[]).find((each) => [...TYPES[each]].sort().join() === written) ?? 'some';
}

/** The URL of an endpoint, the types that it hears, and its use. */
export function EndpointForm({ title, action, endpoint, onSend, onClose }: Props) {
  const [url, setUrl] = useState(endpoint?.url ?? '');
  const [description, setDescription] = useState(endpoint?.description ?? '');
  const [hears, setHears] = useState<Hears>(hearsOf(endpoint?.types ?? ENDS));
  const [some, setSome] = useState<readonly string[]>(endpoint?.types ?? ENDS);
  const [isBusy, setBusy] = useState(false);
  const [hasTried, setTried] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => void readCatalogue(), []);

  const types = hears === 'some' ? some : TYPES[hears];
  const urlError = (hasTried ? wrongUrl(url) : null) ?? problem?.field('url');
  const typesError = hasTried && types.length === 0 ? 'Choose at least one type.' : problem?.fields.find(({ field }) => field.startsWith('types'))?.message;
  const isAtAField = Boolean(problem?.field('url') || problem?.field('description') || problem?.fields.some(({ field }) => field.startsWith('types')));
  const send = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (wrongUrl(url) || types.length === 0) return;
    setBusy(true);
    setProblem(null);
    try {
      const place = endpoint?.is_implicit ? {} : { url: url.trim(), types };
      await onSend({ ...place, description: description.trim() || null });
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <form class="stacked" onSubmit={(event) => void send(event)} noValidate>
        <Field
          label="URL"
          hint={endpoint?.is_implicit ? 'Orders named this URL, so it stays as it is.' : 'Reelworks sends each message to this address with POST. https, and a public host.'}
          error={urlError}
        >
          {(ids) => (
            <input
              {...ids}
              class="input"
              data-first
              type="url"
              maxLength={2083}
              placeholder="https://shop.example/hooks"
              value={url}
              readOnly={endpoint?.is_implicit ?? false}
              onInput={(event) => {
                setUrl(event.currentTarget.value);
                setProblem(null);
              }}
            />
          )}
        </Field>
        {endpoint?.is_implicit ? null : (
          <>
            <Choice<Hears>
              legend="Hears"
              value={hears}
              options={[
                { value: 'ends', label: 'Ends of generations' },
                { value: 'generations', label: 'Every change of a generation' },
                { value: 'all', label: 'Everything' },
                { value: 'some', label: 'Chosen types' },
              ]}
              onChange={setHears}
              error={typesError}
            />
            {hears === 'some' ? <Types chosen={some} onChange={setSome} /> : null}
          </>
        )}
        <Field label="Use" hint="For people: what the endpoint is for." error={problem?.field('description')}>
          {(ids) => (
            <input {...ids} class="input" maxLength={500} value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
          )}
        </Field>
        {problem && !isAtAField ? <ProblemNote problem={problem} /> : null}
        <footer class="actions end">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="main" type="submit" isBusy={isBusy}>
            {action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function Types({ chosen, onChange }: { chosen: readonly string[]; onChange: (types: string[]) => void }) {
  return (
    <fieldset class="tick-group">
      <legend class="visually-hidden">Types</legend>
      <div class="ticks">
        {catalogue.value.map(({ type, description }) => (
          <label class="tick" key={type}>
            <input
              type="checkbox"
              checked={chosen.includes(type)}
              onChange={() => onChange(chosen.includes(type) ? chosen.filter((each) => each !== type) : [...chosen, type])}
            />
            <span>
              <code>{type}</code> <small class="soft">{description}</small>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

async function readCatalogue(): Promise<void> {
  if (catalogue.value.length) return;
  try {
    catalogue.value = (await get<{ data: EventTypeInfo[] }>('/v1/webhooks/event-types')).data;
  } catch {
    // The three usual choices work without the list.
  }
}
