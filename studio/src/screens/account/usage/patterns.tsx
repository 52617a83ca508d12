/** Patterns that tell the models apart without colours: the same in the bars and in the legend. */
const DRAWINGS = [
  '',
  'M-2 2l4-4M0 8l8-8M6 10l4-4',
  'M0 4h8',
  'M2 2h2v2h-2zM6 6h2v2h-2z',
  'M-2 6l4 4M0 0l8 8M6-2l4 4',
  'M0 4h8M4 0v8',
] as const;

/** Defines the patterns; the colour comes from the style sheet. */
export function Patterns({ id, count }: { id: string; count: number }) {
  return (
    <defs aria-hidden="true">
      {DRAWINGS.slice(0, count).map((drawing, number) => (
        <pattern key={number} id={`${id}-${number}`} width="8" height="8" patternUnits="userSpaceOnUse">
          <rect class={`ink-${number}`} width="8" height="8" />
          {drawing ? <path class="hatch" d={drawing} /> : null}
        </pattern>
      ))}
    </defs>
  );
}

/** A sample of a pattern. */
export function Swatch({ id, number }: { id: string; number: number }) {
  return (
    <svg class="swatch" width="18" height="18" aria-hidden="true">
      <rect width="18" height="18" rx="4" fill={`url(#${id}-${number})`} />
    </svg>
  );
}
