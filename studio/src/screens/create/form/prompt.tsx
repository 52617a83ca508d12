import { useState } from 'preact/hooks';

import type { Capabilities } from '../../../api/schemas';
import { Button } from '../../../parts/button';
import { Field } from '../../../parts/field';
import { toast } from '../../../parts/toasts';
import { lengthOf } from './counting';
import { samplesFor } from './samples';
import { change, values } from './state';

interface Props {
  can: Capabilities;
  hasPicture: boolean;
  error?: string | undefined;
}

const AT_ONCE = 2;

/** The description, with its length as the model counts it, and samples to begin with. */
export function Prompt({ can, hasPicture, error }: Props) {
  const { prompt, kind } = values.value;
  const hint = can.uses_prompt ? undefined : 'This model works from the picture alone. The words only name the result for you.';
  return (
    <div class="prompt-field">
      <Field label="Prompt" hint={hint} aside={<Counter text={prompt} most={can.prompt_characters} unit={can.prompt_unit} />}>
        {(ids) => (
          <textarea
            {...ids}
            class="input"
            name="prompt"
            rows={5}
            value={prompt}
            placeholder={kind === 'video' ? 'Describe the scene, the motion and the camera' : 'Describe the picture'}
            aria-invalid={error ? true : undefined}
            aria-describedby={`${ids['aria-describedby'] ?? ''} prompt-note`.trim()}
            onInput={(event) => change({ prompt: event.currentTarget.value })}
          />
        )}
      </Field>
      {can.uses_prompt ? <Samples samples={samplesFor(kind, can, hasPicture)} /> : null}
      <p class="field-note field-error" id="prompt-note">
        {error}
      </p>
    </div>
  );
}

/** The length of a text against the model's limit. */
export function Counter({ text, most, unit }: { text: string; most: number; unit: Capabilities['prompt_unit'] }) {
  const length = lengthOf(text.trim(), unit);
  return (
    <span class={`counter${length > most ? ' over' : ''}`} title={unit === 'utf16' ? 'This model counts most emoji as two' : undefined}>
      {length} / {most}
    </span>
  );
}

function Samples({ samples }: { samples: readonly string[] }) {
  const [first, setFirst] = useState(0);
  const shown = Array.from({ length: AT_ONCE }, (_, place) => samples[(first + place) % samples.length] ?? '');
  return (
    <div class="samples" role="group" aria-label="Sample prompts">
      {shown.map((sample) => (
        <button key={sample} type="button" class="order-chip sample" title={sample} onClick={() => take(sample)}>
          {sample}
        </button>
      ))}
      <Button kind="quiet" icon="again" label="Other samples" onClick={() => setFirst((first + AT_ONCE) % samples.length)} />
    </div>
  );
}

function take(sample: string): void {
  const { prompt } = values.value;
  change({ prompt: sample });
  if (prompt.trim() && prompt !== sample) {
    toast('The sample is in place of your prompt', { action: { label: 'Undo', run: () => change({ prompt }) } });
  }
}
