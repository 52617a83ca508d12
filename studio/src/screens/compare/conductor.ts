/** Plays several videos as one: one time, one loop, one speed. */
import { computed, signal } from '@preact/signals';

/** Where no file tells its frame rate. */
const USUAL_RATE = 24;
/** A video that is further from the common time is set right; less is not seen. */
const DRIFT = 0.12;

export class Conductor {
  readonly isPlaying = signal(false);
  readonly time = signal(0);
  readonly loops = signal(true);
  readonly speed = signal(1);
  /** The video that is heard. Null: none. */
  readonly heard = signal<string | null>(null);

  private readonly videos = signal<ReadonlyMap<string, HTMLVideoElement>>(new Map());
  private readonly lengths = signal<ReadonlyMap<string, number>>(new Map());
  private frame = 0;

  /** The length of the longest. 0: not known yet. */
  readonly length = computed(() => Math.max(0, ...this.lengths.value.values()));
  /** How many there are. */
  readonly count = computed(() => this.videos.value.size);

  constructor(private readonly rate: number | null) {}

  /** Take a video into the group. Returns a function that lets the video go. */
  add(id: string, video: HTMLVideoElement): () => void {
    const learn = () => Number.isFinite(video.duration) && (this.lengths.value = new Map(this.lengths.value).set(id, video.duration));
    video.addEventListener('durationchange', learn);
    video.muted = this.heard.value !== id;
    video.playbackRate = this.speed.value;
    this.videos.value = new Map(this.videos.value).set(id, video);
    learn();
    return () => {
      video.removeEventListener('durationchange', learn);
      this.videos.value = without(this.videos.value, id);
      this.lengths.value = without(this.lengths.value, id);
      if (this.count.value === 0) this.pause();
    };
  }

  toggle(): void {
    if (this.isPlaying.value) this.pause();
    else this.play();
  }

  play(): void {
    if (this.time.value >= this.length.value - 0.01) this.seek(0);
    this.isPlaying.value = true;
    for (const video of this.videos.value.values()) this.start(video);
    this.follow();
  }

  pause(): void {
    const lead = this.lead();
    if (this.isPlaying.value && lead) this.time.value = lead.currentTime;
    this.isPlaying.value = false;
    cancelAnimationFrame(this.frame);
    for (const video of this.videos.value.values()) video.pause();
  }

  /** Go to a time. A shorter video stays at its end. */
  seek(time: number): void {
    const to = Math.min(Math.max(0, time), this.length.value);
    this.time.value = to;
    for (const video of this.videos.value.values()) {
      video.currentTime = Math.min(to, video.duration || to);
      if (this.isPlaying.value) this.start(video);
    }
  }

  /** Step by frames of the fastest; the videos pause. */
  step(frames: number): void {
    this.pause();
    this.seek(this.time.value + frames / (this.rate ?? USUAL_RATE));
  }

  setSpeed(speed: number): void {
    this.speed.value = speed;
    for (const video of this.videos.value.values()) video.playbackRate = speed;
  }

  /** Hear one video, or none. */
  hear(id: string | null): void {
    this.heard.value = id;
    for (const [each, video] of this.videos.value) video.muted = each !== id;
  }

  private start(video: HTMLVideoElement): void {
    // A refusal shows as an error of the element.
    if (video.paused && this.time.value < (video.duration || Infinity) - 0.01) video.play().catch(() => undefined);
  }

  private lead(): HTMLVideoElement | null {
    return [...this.videos.value.values()].reduce<HTMLVideoElement | null>(longer, null);
  }

  // The longest video leads; the others follow.
  private follow(): void {
    cancelAnimationFrame(this.frame);
    const step = () => {
      const lead = this.lead();
      if (!this.isPlaying.value || !lead) return;
      if (lead.ended) return this.atEnd();
      this.time.value = lead.currentTime;
      for (const video of this.videos.value.values()) {
        const place = Math.min(lead.currentTime, video.duration || Infinity);
        if (video !== lead && !video.seeking && Math.abs(video.currentTime - place) > DRIFT) video.currentTime = place;
      }
      this.frame = requestAnimationFrame(step);
    };
    step();
  }

  private atEnd(): void {
    this.time.value = this.length.value;
    if (!this.loops.value) return this.pause();
    this.seek(0);
    this.follow();
  }
}

function longer(one: HTMLVideoElement | null, other: HTMLVideoElement): HTMLVideoElement {
  return one && (one.duration || 0) >= (other.duration || 0) ? one : other;
}

function without<T>(map: ReadonlyMap<string, T>, id: string): ReadonlyMap<string, T> {
  const rest = new Map(map);
  rest.delete(id);
  return rest;
}
