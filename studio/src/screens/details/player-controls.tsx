import { Button } from '../../parts/button';
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
        <Button kind="quiet" icon={isPlaying.value ? 'pause' : 'play'} label={isPlaying.value ? 'Pause' : 'Play'} onClick={() => playback.toggle()} aria-keyshortcuts="Space" />
        <Button kind="quiet" icon="frameBack" label="One frame back" onClick={() => playback.step(-1)} aria-keyshortcuts="," />
        <Button kind="quiet" icon="frameOn" label="One frame on" onClick={() => playback.step(1)} aria-keyshortcuts="." />
        <Button kind="quiet" icon="loop" label="Loop" aria-pressed={loops.value} onClick={() => playback.toggleLoop()} aria-keyshortcuts="L" />
        <Button kind="quiet" icon={isMuted.value ? 'mute' : 'sound'} label="Mute" aria-pressed={isMuted.value} onClick={() => playback.toggleMute()} aria-keyshortcuts="M" />
        <Speed playback={playback} />
        <Button kind="quiet" icon="full" label={isFull.value ? 'Leave full screen' : 'Full screen'} onClick={() => void playback.toggleFull()} aria-keyshortcuts="F" />
      </div>
    </div>
  );
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
