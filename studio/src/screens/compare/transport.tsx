import { useEffect } from 'preact/hooks';

import type { Generation } from '../../api/schemas';
import { isNoCommand } from '../../app/keys';
import { Button } from '../../parts/button';
import { Choice } from '../../parts/choice';
import { clock } from '../../parts/media/media';
import type { Conductor } from './conductor';

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];

interface Props {
  conductor: Conductor;
  /** The videos with sound, by the letters of their columns. */
  audible: readonly (readonly [letter: string, generation: Generation])[];
}

/** The buttons that play all videos together. */
export function Transport({ conductor, audible }: Props) {
  useKeys(conductor);
  const { isPlaying, loops, speed, heard, time, length } = conductor;
  return (
    <div class="compare-transport glass panel" role="group" aria-label="Play together">
      <Button kind="main" icon={isPlaying.value ? 'pause' : 'play'} onClick={() => conductor.toggle()} aria-keyshortcuts="Space">
        {isPlaying.value ? 'Pause' : 'Play'}
      </Button>
      <Button kind="quiet" icon="frameBack" label="One frame back" onClick={() => conductor.step(-1)} aria-keyshortcuts="," />
      <Button kind="quiet" icon="frameOn" label="One frame on" onClick={() => conductor.step(1)} aria-keyshortcuts="." />
      <input
        class="compare-scrub"
        type="range"
        aria-label="Position"
        min={0}
        max={length.value || 1}
        step={0.01}
        value={time.value}
        aria-valuetext={`${time.value.toFixed(1)} of ${length.value.toFixed(1)} seconds`}
        onInput={({ currentTarget }) => conductor.seek(Number(currentTarget.value))}
      />
      <span class="compare-time" aria-hidden="true">
        {clock(Math.floor(time.value))} / {clock(length.value)}
      </span>
      <Button kind="quiet" icon="loop" label="Loop" aria-pressed={loops.value} onClick={() => (loops.value = !loops.value)} aria-keyshortcuts="L" />
      <select class="input compare-speed" aria-label="Speed" value={speed.value} onChange={({ currentTarget }) => conductor.setSpeed(Number(currentTarget.value))}>
        {SPEEDS.map((each) => (
          <option key={each} value={each} selected={each === speed.value}>
            {each} ×
          </option>
        ))}
      </select>
      {audible.length > 0 ? (
        <Choice
          legend="Sound"
          options={[{ value: '', label: 'Off' }, ...audible.map(([letter, { id }]) => ({ value: id, label: letter, title: `Hear ${letter}` }))]}
          value={heard.value ?? ''}
          onChange={(id) => conductor.hear(id || null)}
        />
      ) : null}
    </div>
  );
}

const COMMANDS: Record<string, (conductor: Conductor) => void> = {
  ' ': (conductor) => conductor.toggle(),
  k: (conductor) => conductor.toggle(),
  ',': (conductor) => conductor.step(-1),
  '.': (conductor) => conductor.step(1),
  l: ({ loops }) => (loops.value = !loops.value),
  Home: (conductor) => conductor.seek(0),
};

function useKeys(conductor: Conductor): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const command = COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      const place = event.target instanceof Element ? event.target : null;
      if (!command || isNoCommand(event) || place?.closest('dialog') || (event.key === ' ' && place?.closest('button, a'))) return;
      event.preventDefault();
      command(conductor);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [conductor]);
}
