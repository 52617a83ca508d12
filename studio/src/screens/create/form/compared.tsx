import type { EstimatedModel } from '../../../api/schemas';
import { credits, seconds } from '../../../parts/numbers';
import { modelNamed } from '../../../state/models';
import { estimated } from './estimate';
import { change, model, values } from './state';

const MOST = 2;

/** Makes the same with further models, to compare the results. The price of each stands before. */
export function Compared() {
  const others = estimated.value.estimate?.models.filter((each) => each.model !== model.value?.name) ?? [];
  const { compared } = values.value;
  if (!others.length) return null;
  return (
    <details class="order-fold">
      <summary>Compare models{compared.length ? ` (${compared.length + 1})` : ''}</summary>
      <fieldset class="order-fold-content compared">
        <legend class="hint">Make the same with up to {MOST} further models</legend>
        {others.map((other) => (
          <label key={other.model} class="compare-check">
            <input
              type="checkbox"
              checked={compared.includes(other.model)}
              disabled={!compared.includes(other.model) && compared.length >= MOST}
              onChange={(event) => toggle(other.model, event.currentTarget.checked)}
            />
            <span>{modelNamed(other.model)?.title ?? other.model}</span>
            <small class="soft">{figuresOf(other)}</small>
          </label>
        ))}
      </fieldset>
    </details>
  );
}

function figuresOf({ credits: price, usual_seconds: usual }: EstimatedModel): string {
  return `${credits(price)} credits${usual ? ` · ${seconds(usual.p50)}` : ''}`;
}

function toggle(name: string, isOn: boolean): void {
  const { compared } = values.value;
  change({ compared: isOn ? [...compared, name] : compared.filter((each) => each !== name) });
}
