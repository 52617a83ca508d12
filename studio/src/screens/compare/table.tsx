import { useSignal } from '@preact/signals';

import type { Generation } from '../../api/schemas';
import { promptOf } from '../../parts/media/media';
import { promptsOf, rowsOf, type Piece } from './facts';

interface Props {
  letters: readonly string[];
  generations: readonly Generation[];
}

/**
 * Prompts, prices, times and settings side by side. The roles are named because the style sheet sets the name of a row
 * above its values, which hides the table from some screen readers.
 */
export function Table({ letters, generations }: Props) {
  const isShort = useSignal(false);
  const rows = rowsOf(generations).filter(({ differs }) => differs || !isShort.value);
  const prompts = promptsOf(generations);
  const promptsDiffer = new Set(generations.map(promptOf)).size > 1;
  return (
    <section class="glass panel compare-facts" aria-labelledby="compare-facts">
      <header>
        <h2 id="compare-facts">Prompt, prices, times and settings</h2>
        <label class="compare-only">
          <input type="checkbox" checked={isShort.value} onChange={() => (isShort.value = !isShort.value)} />
          Only what differs
        </label>
      </header>
      <table role="table" style={{ '--count': String(generations.length) }}>
        <thead role="rowgroup" class="visually-hidden">
          <tr role="row">
            <th role="columnheader">Fact</th>
            {letters.map((letter) => (
              <th role="columnheader" key={letter}>
                {letter}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {promptsDiffer || !isShort.value ? (
            <FactRow name="Prompt" differs={promptsDiffer} values={prompts.map((pieces, at) => <Prompt key={at} pieces={pieces} />)} />
          ) : null}
          {rows.map(({ name, values, differs }) => (
            <FactRow key={name} name={name} differs={differs} values={values.map((value) => value ?? '–')} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function FactRow({ name, differs, values }: { name: string; differs: boolean; values: readonly preact.ComponentChild[] }) {
  return (
    <tr role="row" class={differs ? 'differs' : undefined}>
      <th role="rowheader" scope="row">
        {name}
        {differs ? <span class="compare-differs">differs</span> : null}
      </th>
      {values.map((value, at) => (
        <td role="cell" key={at}>
          {value}
        </td>
      ))}
    </tr>
  );
}

function Prompt({ pieces }: { pieces: readonly Piece[] }) {
  return <>{pieces.map(([text, isNew], at) => (isNew ? <mark key={at}>{text}</mark> : text))}</>;
}
