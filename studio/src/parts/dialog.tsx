import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';

import { Button } from './button';

interface Props {
  title: string;
  isOpen: boolean;
  /** Runs when the person closes the dialog, also by Escape or a click outside. */
  onClose: () => void;
  children: ComponentChildren;
  /** The buttons at the end. */
  actions?: ComponentChildren;
  /** `wide`: for media. */
  size?: 'usual' | 'wide';
  /** Only the buttons close the dialog: Escape and a click outside would lose what the dialog shows. */
  isKept?: boolean;
}

/**
 * A modal dialog of the platform: it keeps the focus, and gives it back.
 *
 * The focus begins at the element with `data-first`, or else at the first button.
 */
export function Dialog({ title, isOpen, onClose, children, actions, size = 'usual', isKept = false }: Props) {
  const place = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = place.current;
    if (isOpen && dialog && !dialog.open) {
      dialog.showModal();
      dialog.querySelector<HTMLElement>('[data-first]')?.focus();
    }
    if (!isOpen && dialog?.open) dialog.close();
  }, [isOpen]);
  // A dialog that leaves the page while it is open gives the focus back, too. Only a layout effect ends before it has left.
  useLayoutEffect(() => {
    const dialog = place.current;
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={place}
      class={`dialog glass ${size}`}
      aria-labelledby={heading}
      onClose={onClose}
      onCancel={(event) => isKept && event.preventDefault()}
      onClick={(event) => !isKept && event.target === place.current && onClose()}
    >
      {isOpen ? (
        <div class="dialog-content">
          <div class="dialog-top">
            <h2 id={heading}>{title}</h2>
            {isKept ? null : <Button kind="quiet" icon="close" label="Close" onClick={onClose} />}
          </div>
          {children}
          {actions ? <footer>{actions}</footer> : null}
        </div>
      ) : null}
    </dialog>
  );
}
