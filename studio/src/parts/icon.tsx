/** Line icons, drawn here: 24 × 24, one path each, in the colour of the text. */
const PATHS = {
  again: 'M4 12a8 8 0 1 1 2.5 5.8M4 20v-5h5',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  back: 'M19 12H5M11 6l-6 6 6 6',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  code: 'M8 7l-5 5 5 5M16 7l5 5-5 5',
  coin: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 8v8M9.5 10.2c0-1.3 1.1-2 2.5-2s2.5.7 2.5 1.7c0 2.3-5 1.6-5 4.1c0 1 1.1 1.8 2.5 1.8s2.5-.7 2.5-2',
  compare: 'M4 5h7v14H4zM13 5h7v14h-7z',
  contrast: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 3v18M12 7h5.5M12 11h7M12 15h6.5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  die: 'M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM8.5 8.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01',
  down: 'M12 4v12M7 11l5 5 5-5M5 20h14',
  exit: 'M14 4h5v16h-5M4 12h11M8 8l-4 4 4 4',
  extend: 'M4 6h9v12H4zM16 12h5M18.5 9.5L21 12l-2.5 2.5',
  eye: 'M2.5 12S6 5.5 12 5.5S21.5 12 21.5 12S18 18.5 12 18.5S2.5 12 2.5 12zM12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6',
  filter: 'M4 6h16M7 12h10M10 18h4',
  frameBack: 'M15 5l-8 7 8 7zM19 5v14',
  frameOn: 'M9 5l8 7-8 7zM5 5v14',
  full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01',
  key: 'M8 10.5a4 4 0 1 0 0 8a4 4 0 1 0 0-8M11 12l8-8M16 7l3 3',
  keyboard: 'M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M7 14h10',
  lifebuoy: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 8.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7M5.8 5.8l3.7 3.7M18.2 5.8l-3.7 3.7M5.8 18.2l3.7-3.7M18.2 18.2l-3.7-3.7',
  less: 'M5 12h14',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7L12 17',
  loop: 'M17 3l4 4-4 4M3 12V9a2 2 0 0 1 2-2h16M7 21l-4-4 4-4M21 12v3a2 2 0 0 1-2 2H3',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  mute: 'M4 9.5v5h4l5 4v-13l-5 4zM16.5 9.5l5 5M21.5 9.5l-5 5',
  pause: 'M8 5v14M16 5v14',
  person: 'M12 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8M4.5 20a7.5 7.5 0 0 1 15 0',
  play: 'M8 5l11 7-11 7z',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4a7 7 0 1 0 0 14a7 7 0 1 0 0-14M16 16l4.5 4.5',
  sound: 'M4 9.5v5h4l5 4v-13l-5 4zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11',
  spark: 'M12 3l2 6.5L20.5 12L14 14.5L12 21l-2-6.5L3.5 12L10 9.5z',
  stack: 'M4 8l8-4 8 4-8 4zM4 12l8 4 8-4M4 16l8 4 8-4',
  star: 'M12 4l2.5 5.2 5.5.8-4 4 .9 5.6L12 17l-4.9 2.6L8 14l-4-4 5.5-.8z',
  stop: 'M6 6h12v12H6z',
  sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3l1.8 1.8M16.9 16.9l1.8 1.8M18.7 5.3l-1.8 1.8M7.1 16.9l-1.8 1.8',
  top: 'M12 20V7M6 13l6-6 6 6M5 4h14',
  trash: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
  up: 'M12 20V8M7 13l5-5 5 5M5 4h14',
  video: 'M4 6h11v12H4zM15 10.5l5-3v9l-5-3',
  warning: 'M12 4L2.5 20h19zM12 10v5M12 17.5h.01',
  webhook: 'M9 8a3 3 0 1 1 5 2l-3 5M8 17H5M16 17h3M14 15.5a3 3 0 1 0 4-2.5M10 15a3 3 0 1 1-4.5-2.5',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside words, or in a button that has a label. Screen readers skip it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
