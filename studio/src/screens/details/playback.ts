/** The state of a video element as signals, and the commands of the player. */
import { signal } from '@preact/signals';

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2] as const;

/** Where a file does not tell its frame rate. */
const USUAL_RATE = 24;

// The choices stay for the next video of this page.
const loops = signal(true);
const isMuted = signal(false);
const speed = signal(1);

export class Playback {
  readonly isPlaying = signal(false);
  readonly time = signal(0);
  /** 0: not known yet. */
  readonly duration = signal(0);
  readonly isFull = signal(false);
  readonly loops = loops;
  readonly isMuted = isMuted;
  readonly speed = speed;
  readonly #ending = new AbortController();
  #frame = 0;

  constructor(
    readonly video: HTMLVideoElement,
    /** What becomes the full screen: the video with its controls. */
    readonly place: HTMLElement,
    readonly rate: number | null,
  ) {
    video.loop = loops.value;
    video.muted = isMuted.value;
    video.playbackRate = speed.value;
    const on = (target: EventTarget, names: string[], run: () => void) => {
      for (const name of names) target.addEventListener(name, run, { signal: this.#ending.signal });
    };
    on(video, ['loadedmetadata', 'durationchange'], () => (this.duration.value = Number.isFinite(video.duration) ? video.duration : 0));
    on(video, ['timeupdate', 'seeking', 'seeked'], this.#readTime);
    on(video, ['play', 'pause', 'ended'], () => {
      this.isPlaying.value = !video.paused && !video.ended;
      this.#followFrames();
    });
    on(document, ['fullscreenchange'], () => (this.isFull.value = document.fullscreenElement === place));
  }

  end(): void {
    this.#ending.abort();
    cancelAnimationFrame(this.#frame);
  }

  #readTime = (): void => {
    this.time.value = this.video.currentTime;
  };

  // The event of the time comes four times a second: too rarely for a short clip.
  #followFrames(): void {
    cancelAnimationFrame(this.#frame);
    const step = () => {
      this.#readTime();
      if (this.isPlaying.value) this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  toggle(): void {
    // A refusal shows as an error of the element.
    if (this.video.paused) this.video.play().catch(() => undefined);
    else this.video.pause();
  }

  seek(time: number): void {
    const end = this.duration.value || time;
    this.video.currentTime = Math.min(Math.max(0, time), end);
    this.#readTime();
  }

  /** Step by frames; the video pauses. */
  step(frames: number): void {
    this.video.pause();
    const length = 1 / (this.rate || USUAL_RATE);
    // The middle of a frame: its edge may show the frame before.
    const at = Math.floor(this.video.currentTime / length + 0.01) + frames;
    this.seek(Math.min((at + 0.5) * length, Math.max(0, this.duration.value - length / 2)));
  }

  toggleLoop(): void {
    this.video.loop = loops.value = !loops.value;
  }

  toggleMute(): void {
    this.video.muted = isMuted.value = !isMuted.value;
  }

  setSpeed(wanted: number): void {
    this.video.playbackRate = speed.value = wanted;
  }

  /** The next faster (1) or slower (-1) speed. */
  changeSpeed(by: 1 | -1): void {
    const at = SPEEDS.findIndex((each) => each === speed.value) + by;
    this.setSpeed(SPEEDS[Math.min(Math.max(at, 0), SPEEDS.length - 1)] ?? 1);
  }

  async toggleFull(): Promise<void> {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (document.fullscreenEnabled) return this.place.requestFullscreen();
    // Phones of Apple show only the video itself in full screen.
    (this.video as { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.();
  }
}
