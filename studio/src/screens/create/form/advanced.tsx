import type { Capabilities, Model } from '../../../api/schemas';
import { Button } from '../../../parts/button';
import { Choice } from '../../../parts/choice';
import { Field } from '../../../parts/field';
import { may } from '../../../app/session';
import { Counter } from './prompt';
import { change } from './state';
import { chosen, type Values } from './values';

interface Props {
  model: Model;
  can: Capabilities;
  values: Values;
  reasons: Readonly<Record<string, string>>;
}

const FIELDS = ['negative_prompt', 'seed', 'output_format', 'enhance_prompt', 'priority', 'not_before'];

/** Settings that few orders need, folded. A field with a reason opens the fold. */
export function Advanced({ model, can, values, reasons }: Props) {
  const isOpen = FIELDS.some((name) => reasons[name]);
  return (
    <details class="order-fold" open={isOpen || undefined}>
      <summary>Advanced</summary>
      <div class="order-fold-content">
        {can.negative_prompt_characters ? <NegativePrompt can={can} text={values.negative_prompt} error={reasons['negative_prompt']} /> : null}
        {can.max_seed ? <Seed most={can.max_seed} value={values.seed} error={reasons['seed']} /> : null}
        {can.output_formats.length > 1 ? (
          <Choice<string>
            legend="File format"
            options={can.output_formats.map((value) => ({ value, label: value.toUpperCase() }))}
            value={chosen<string>(can.output_formats, values.output_format, model.defaults?.output_format)}
            onChange={(output_format) => change({ output_format })}
            error={reasons['output_format']}
          />
        ) : null}
        {can.enhance_prompt && can.keeps_prompt ? <EnhancePrompt value={values.enhance_prompt} error={reasons['enhance_prompt']} /> : null}
        <Priority value={values.priority} error={reasons['priority']} />
        <Field label="Not before" hint="Your local time. The credits are held from now on." error={reasons['not_before']}>
          {(ids) => (
            <input
              {...ids}
              class="input"
              type="datetime-local"
              value={values.not_before}
              onChange={(event) => change({ not_before: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}

function NegativePrompt({ can, text, error }: { can: Capabilities; text: string; error: string | undefined }) {
  return (
    <Field
      label="Keep out"
      hint="Things that must not appear, such as: text, blur"
      error={error}
      aside={<Counter text={text} most={can.negative_prompt_characters} unit={can.prompt_unit} />}
    >
      {(ids) => (
        <textarea
          {...ids}
          class="input"
          name="negative_prompt"
          rows={2}
          value={text}
          onInput={(event) => change({ negative_prompt: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

function Seed({ most, value, error }: { most: number; value: number | null; error: string | undefined }) {
  return (
    <Field label="Seed" hint="The same seed and settings may give a similar result. Empty: another one each time." error={error}>
      {(ids) => (
        <div class="with-button">
          <input
            {...ids}
            class="input"
            name="seed"
            inputMode="numeric"
            value={value ?? ''}
            placeholder="Random"
            onInput={(event) => change({ seed: seedOf(event.currentTarget.value, most) })}
          />
          <Button icon="die" label="Roll a seed" onClick={() => change({ seed: roll(most) })} />
          {value === null ? null : <Button kind="quiet" icon="close" label="Remove the seed" onClick={() => change({ seed: null })} />}
        </div>
      )}
    </Field>
  );
}

/** The seed that a text says, at most the model's largest. Null: none. */
export function seedOf(text: string, most: number): number | null {
  const digits = text.replace(/\D/g, '');
  return digits ? Math.min(Number(digits), most) : null;
}

function roll(most: number): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random % (Math.min(most, 2 ** 32 - 1) + 1);
}

function EnhancePrompt({ value, error }: { value: boolean | null; error: string | undefined }) {
  return (
    <Choice
      legend="May the model rewrite the prompt?"
      options={[
        { value: 'usual', label: 'As usual' },
        { value: 'yes', label: 'Yes' },
        { value: 'no', label: 'No' },
      ]}
      value={value === null ? 'usual' : value ? 'yes' : 'no'}
      onChange={(answer) => change({ enhance_prompt: answer === 'usual' ? null : answer === 'yes' })}
      error={error}
    />
  );
}

function Priority({ value, error }: { value: Values['priority']; error: string | undefined }) {
  return (
    <Choice
      legend="Priority among your orders"
      options={[
        { value: 'low', label: 'Low', title: 'Low: takes what others leave' },
        { value: 'normal', label: 'Normal' },
        { value: 'high', label: 'High', title: may('priority') ? 'High: also uses the reserve' : 'High: before your other orders' },
      ]}
      value={value}
      onChange={(priority) => change({ priority })}
      error={error}
    />
  );
}
