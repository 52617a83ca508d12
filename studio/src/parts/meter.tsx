import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
  label: string;
  used: number;
  /** Null: there is no limit. */
  most: number | null;
  /** Writes a value, such as 3.4 MB. */
  write: (value: number) => string;
  hint?: ComponentChildren;
}

/** How much of a limit is used. */
export function Meter({ label, used, most, write, hint }: Props) {
  const id = useId();
  return (
    <div class="meter-row">
      <div class="field-top">
        <span id={id}>{label}</span>
        <span class="amount">{most === null ? `${write(used)}, no limit` : `${write(used)} of ${write(most)}`}</span>
      </div>
      {most === null ? null : (
        <meter aria-labelledby={id} min={0} max={Math.max(most, 1)} high={Math.max(most, 1) * 0.9} value={most === 0 ? 1 : Math.min(used, most)}>
          {write(used)} of {write(most)}
        </meter>
      )}
      {hint ? <p class="hint">{hint}</p> : null}
    </div>
  );
}
