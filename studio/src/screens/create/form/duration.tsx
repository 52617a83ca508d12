import { useId } from 'preact/hooks';

interface Props {
  seconds: readonly number[];
  value: number;
  onChange: (seconds: number) => void;
  error?: string | undefined;
}

const PRESETS = [3, 5, 8, 10, 15, 30];

/** The length of a video: a slider over the allowed lengths, and presets. */
export function Duration({ seconds, value, onChange, error }: Props) {
  const id = useId();
  const least = seconds[0] ?? value;
  const most = seconds.at(-1) ?? value;
  return (
    <div class="duration" role="group" aria-labelledby={`${id}-name`}>
      <div class="field-top">
        <label id={`${id}-name`} for={id}>
          Duration
        </label>
        <output for={id}>{value} s</output>
      </div>
      <input
        id={id}
        class="slider"
        type="range"
        min={least}
        max={most}
        ref={(slider) => slider?.style.setProperty('--part', String((value - least) / (most - least || 1)))}
        step={stepOf(seconds)}
        value={value}
        aria-valuetext={`${value} seconds`}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-note`}
        onInput={(event) => onChange(nearest(seconds, event.currentTarget.valueAsNumber))}
      />
      <div class="presets">
        {presetsOf(seconds).map((preset) => (
          <button key={preset} type="button" class="order-chip" aria-pressed={preset === value} onClick={() => onChange(preset)}>
            {preset} s
          </button>
        ))}
      </div>
      <p class="field-note field-error" id={`${id}-note`}>
        {error}
      </p>
    </div>
  );
}

/** The allowed length that is nearest to a wish. */
export function nearest(allowed: readonly number[], wish: number): number {
  return allowed.reduce((best, each) => (Math.abs(each - wish) < Math.abs(best - wish) ? each : best), allowed[0] ?? wish);
}

/** The largest step that reaches all allowed lengths. */
export function stepOf(allowed: readonly number[]): number {
  const divisor = (one: number, other: number): number => (other ? divisor(other, one % other) : one);
  return allowed.slice(1).reduce((step, each, place) => divisor(step, each - (allowed[place] ?? 0)), 0) || 1;
}

function presetsOf(allowed: readonly number[]): readonly number[] {
  if (allowed.length <= 5) return allowed;
  const usual = PRESETS.filter((each) => allowed.includes(each));
  const ends = [allowed[0], allowed.at(-1)].filter((each) => each !== undefined);
  return [...new Set([...usual, ...ends])].sort((one, other) => one - other);
}
