import type { Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { isNoCommand } from '../../app/keys';
import type { Playback } from './playback';

const COMMANDS: Record<string, (playback: Playback) => void> = {
  ' ': (playback) => playback.toggle(),
  k: (playback) => playback.toggle(),
  ',': (playback) => playback.step(-1),
  '.': (playback) => playback.step(1),
  '<': (playback) => playback.changeSpeed(-1),
  '>': (playback) => playback.changeSpeed(1),
  l: (playback) => playback.toggleLoop(),
  m: (playback) => playback.toggleMute(),
  f: (playback) => void playback.toggleFull(),
  Home: (playback) => playback.seek(0),
};

/** The keys of the player, which work anywhere on its screen. */
export function usePlayerKeys(playback: Signal<Playback | null>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const command = COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!command || !playback.value || isInDialog(event) || (isNoCommand(event) && !isScrub(event))) return;
      if (event.key === ' ' && pressesSomething(event)) return;
      event.preventDefault();
      command(playback.value);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** The range takes no letters, so the commands work there, too. */
function isScrub({ target, key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return target instanceof HTMLInputElement && target.type === 'range' && key !== 'Home' && !ctrlKey && !metaKey && !altKey;
}

function isInDialog({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest('dialog') !== null;
}

/** The space bar presses what has the focus. */
function pressesSomething({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest('button, a, summary') !== null;
}
