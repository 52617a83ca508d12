import { Button } from '../../parts/button';
import type { IconName } from '../../parts/icon';
import { clock } from '../../parts/media/media';
import { type Playback, SPEEDS } from './playback';

interface Props {
  playback: Playback;
  /** The length that the API tells, until the file has told its own. */
  length: number;
}

/** The buttons below a video. */
export function PlayerControls({ playback, length }: Props) {
  const { isPlaying, loops, isMuted, isFull } = playback;
  return (
    <div class="player-controls">
      <Scrub playback={playback} length={length} />
      <div class="player-buttons" role="group" aria-label="Player">
        <Control icon={isPlaying.value ? 'pause' : 'play'} label={isPlaying.value ? 'Pause' : 'Play'} keys="Space" run={() => playback.toggle()} />
        <Control icon="frameBack" label="One frame back" keys="," run={() => playback.step(-1)} />
        <Control icon="frameOn" label="One frame on" keys="." run={() => playback.step(1)} />
        <Control icon="loop" label="Loop" keys="L" isOn={loops.value} run={() => playback.toggleLoop()} />
        <Control icon={isMuted.value ? 'mute' : 'sound'} label="Mute" keys="M" isOn={isMuted.value} run={() => playback.toggleMute()} />
        <Speed playback={playback} />
        <Control icon="full" label={isFull.value ? 'Leave full screen' : 'Full screen'} keys="F" run={() => void playback.toggleFull()} />
      </div>
    </div>
  );
}

interface ControlProps {
  icon: IconName;
  label: string;
  /** The key that does the same. */
  keys: string;
  run: () => void;
  /** Of a switch: whether it is on. */
  isOn?: boolean;
}

function Control({ icon, label, keys, run, isOn }: ControlProps) {
  return <Button kind="quiet" icon={icon} label={label} aria-pressed={isOn} aria-keyshortcuts={keys} onClick={run} />;
}

function Scrub({ playback, length }: Props) {
  const { value } = playback.time;
  const end = playback.duration.value || length;
  const text = `${precise(value)} of ${clock(end)}`;
  return (
    <label class="player-scrub">
      <span class="visually-hidden">Position</span>
      <input
        type="range"
        min={0}
        max={end || 1}
        step={0.01}
        value={value}
        aria-valuetext={text}
        onInput={({ currentTarget }) => playback.seek(Number(currentTarget.value))}
      />
      <span class="number" aria-hidden="true">
        {precise(value)} / {precise(end)}
      </span>
    </label>
  );
}

/** Seconds with tenths: clips are short. */
function precise(seconds: number): string {
  const tenths = Math.floor(seconds * 10 + 0.001);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
}

function Speed({ playback }: { playback: Playback }) {
  return (
    <label class="player-speed">
      <span class="visually-hidden">Speed</span>
      <select class="input" value={playback.speed.value} onChange={({ currentTarget }) => playback.setSpeed(Number(currentTarget.value))}>
        {SPEEDS.map((each) => (
          <option key={each} value={each} selected={each === playback.speed.value}>
            {each} ×
          </option>
        ))}
      </select>
    </label>
  );
}
