import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What an input takes from its field. */
export interface FieldIds {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

interface Props {
  label: string;
  hint?: ComponentChildren;
  /** Why the value cannot be. */
  error?: string | null | undefined;
  /** Stands at the end of the label's line, such as a counter. */
  aside?: ComponentChildren;
  children: (ids: FieldIds) => ComponentChildren;
}

/** A labelled field with a hint, and the reason at the field when a value cannot be. */
export function Field({ label, hint, error, aside, children }: Props) {
  const id = useId();
  const described = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <div class="field-top">
        <label for={id}>{label}</label>
        {aside}
      </div>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined })}
      {hint ? (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      {error ? (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
    </div>
  );
}
