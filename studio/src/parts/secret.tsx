import type { ComponentChildren } from 'preact';

import { Button } from './button';
import { CopyButton } from './copy';
import { Dialog } from './dialog';

/** A secret with a button that copies. */
export function Secret({ name, secret }: { name: string; secret: string }) {
  return (
    <div class="secret">
      <input
        class="input"
        readOnly
        value={secret}
        aria-label={name}
        spellcheck={false}
        autocomplete="off"
        onFocus={(event) => event.currentTarget.select()}
      />
      <CopyButton text={secret} name={name}>
        Copy
      </CopyButton>
    </div>
  );
}

interface Props {
  title: string;
  /** The kind of secret, such as "Key". */
  name: string;
  secret: string;
  children: ComponentChildren;
  onClose: () => void;
}

/** Shows a secret that nothing can show again: only the button closes the dialog. */
export function SecretOnce({ title, name, secret, children, onClose }: Props) {
  return (
    <Dialog
      title={title}
      isOpen
      isKept
      onClose={onClose}
      actions={
        <Button kind="main" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <p>{children}</p>
      <Secret name={name} secret={secret} />
    </Dialog>
  );
}
