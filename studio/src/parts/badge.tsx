import type { ComponentChildren } from 'preact';

export type BadgeKind = 'plain' | 'good' | 'bad' | 'warn';

/** A short state. The words say it; the colour repeats them. */
export function Badge({ kind = 'plain', title, children }: { kind?: BadgeKind; title?: string; children: ComponentChildren }) {
  return (
    <span class={`state-badge ${kind}`} title={title}>
      {children}
    </span>
  );
}
