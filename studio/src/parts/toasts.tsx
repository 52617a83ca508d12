import { signal } from '@preact/signals';

import { Button } from './button';

interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'failed';
  /** Such as an undo. */
  action: { label: string; run: () => void } | null;
}

const SECONDS = 8;
const toasts = signal<readonly Toast[]>([]);
let last = 0;

/** Show a short message at the edge of the page. Returns a function that removes the message. */
export function toast(text: string, { kind = 'done', action = null }: Partial<Pick<Toast, 'kind' | 'action'>> = {}): () => void {
  const id = ++last;
  const drop = () => (toasts.value = toasts.value.filter((each) => each.id !== id));
  toasts.value = [...toasts.value, { id, text, kind, action }];
  // A failure stays until somebody closes it.
  if (kind === 'done') setTimeout(drop, SECONDS * 1000);
  return drop;
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, text, kind, action }) => {
        const drop = () => (toasts.value = toasts.value.filter((each) => each.id !== id));
        return (
          <div key={id} class={`toast glass ${kind}`}>
            <span>{text}</span>
            {action ? (
              <Button
                onClick={() => {
                  action.run();
                  drop();
                }}
              >
                {action.label}
              </Button>
            ) : null}
            <Button kind="quiet" icon="close" label="Close the message" onClick={drop} />
          </div>
        );
      })}
    </div>
  );
}
