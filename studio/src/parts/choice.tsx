import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Option<T extends string> {
  value: T;
  label: ComponentChildren;
  /** Says more than a short label, for screen readers and on hover. */
  title?: string;
  disabled?: boolean;
}

interface Props<T extends string> {
  legend: string;
  options: readonly Option<T>[];
  value: T | null;
  onChange: (value: T) => void;
  error?: string | null | undefined;
  /** `cards`: larger options with pictures. */
  look?: 'pills' | 'cards';
}

/** One of a few options: a radio group of the platform, so the arrow keys work. */
export function Choice<T extends string>({ legend, options, value, onChange, error, look = 'pills' }: Props<T>) {
  const id = useId();
  return (
    <fieldset class={`choice ${look}`} aria-describedby={error ? `${id}-error` : undefined}>
      <legend>{legend}</legend>
      <div class="choice-options">
        {options.map((option) => (
          <label key={option.value} title={option.title}>
            <input
              type="radio"
              name={id}
              value={option.value}
              checked={option.value === value}
              disabled={option.disabled}
              aria-label={option.title}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      {error ? (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
    </fieldset>
  );
}
