import { useEffect } from 'preact/hooks';
import { signal } from '@preact/signals';

import { Button } from '../parts/button';
import { Dialog } from '../parts/dialog';
import { isNoCommand, KEYS, singleKeys } from './keys';

const isOpen = signal(false);

/** Lists the keys of the page; `?` opens the list. */
export function KeyboardHelp() {
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
      if (event.key === '?' && !isNoCommand(event)) isOpen.value = true;
    };
    addEventListener('keydown', open);
    return () => removeEventListener('keydown', open);
  }, []);
  return (
    <>
      <Button kind="quiet" icon="keyboard" label="Keys" onClick={() => (isOpen.value = true)} />
      <Dialog title="Keys" isOpen={isOpen.value} onClose={() => (isOpen.value = false)}>
        <label class="keys-switch">
          <input
            type="checkbox"
            checked={singleKeys.value}
            onChange={(event) => (singleKeys.value = event.currentTarget.checked)}
          />
          <span>Keys without Ctrl act on the page</span>
        </label>
        <dl class="keys">
          {KEYS.map(({ keys, does }) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </>
  );
}
