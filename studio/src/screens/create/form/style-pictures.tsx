/** Small pictures of the styles: one scene, a boat on water before hills, drawn in the manner of each style. */
import type { ComponentChildren } from 'preact';

/** The colours of a scene. */
interface Paint {
  sky: string;
  sun: string;
  hill: string;
  near: string;
  water: string;
  sail: string;
  hull: string;
}

const DAY: Paint = { sky: '#8fc7f2', sun: '#fff3c4', hill: '#5d8f6c', near: '#3f6f55', water: '#3d7fb0', sail: '#fdfaf1', hull: '#7a4a2a' };

const PAINTS: Record<string, Partial<Paint>> = {
  cinematic: { sky: '#e08a4b', sun: '#ffd59a', hill: '#3a5560', near: '#1d3640', water: '#1f4f5e', sail: '#ffe9cf', hull: '#20150f' },
  documentary: { sky: '#b9bfc2', sun: '#d9dcdd', hill: '#7d857c', near: '#626a60', water: '#7f8f98', sail: '#e8e6df', hull: '#59544a' },
  anime: { sky: '#58b8ff', sun: '#fffbe0', hill: '#58c98a', near: '#2fa870', water: '#2f86e0', sail: '#ffffff', hull: '#f05a7e' },
  cartoon: { sky: '#7fe0ff', sun: '#ffd93b', hill: '#8be05a', near: '#4fc24a', water: '#3aa0ff', sail: '#ffffff', hull: '#ff7a3c' },
  comic: { sky: '#ffe25a', sun: '#ff5a4a', hill: '#4a8cff', near: '#2a55c8', water: '#39c2ff', sail: '#ffffff', hull: '#d8342a' },
  '3d-animation': { sky: '#b6a8ff', sun: '#ffe3ad', hill: '#7fd6b0', near: '#4fb592', water: '#64a9f2', sail: '#fff4ea', hull: '#ff8f70' },
  claymation: { sky: '#f0c9a8', sun: '#f7e08a', hill: '#9cba6a', near: '#7a9c4c', water: '#6fa9b5', sail: '#f6efe2', hull: '#b8573c' },
  watercolor: { sky: '#d9ecf5', sun: '#f8dca0', hill: '#9cc3a8', near: '#7aa994', water: '#96c1da', sail: '#fffdf8', hull: '#b98b70' },
  'oil-painting': { sky: '#e8b45c', sun: '#fff0b0', hill: '#5f6f3c', near: '#3f4f2a', water: '#2f5f78', sail: '#f4e6c4', hull: '#5a2f1c' },
  'pencil-sketch': { sky: '#f7f5ef', sun: '#f7f5ef', hill: '#e6e3da', near: '#d5d1c6', water: '#eceae3', sail: '#fbfaf6', hull: '#bdb9ae' },
  noir: { sky: '#3a3a3d', sun: '#f2f2f2', hill: '#1c1c1e', near: '#0c0c0d', water: '#29292c', sail: '#f5f5f5', hull: '#000000' },
  vintage: { sky: '#e5c896', sun: '#f8e8c0', hill: '#a3865a', near: '#80683f', water: '#8f9a7c', sail: '#f6ead0', hull: '#6a4a30' },
};

/** The lines of styles with outlines. */
const LINES: Record<string, { stroke: string; 'stroke-width': number }> = {
  cartoon: { stroke: '#1d1a2b', 'stroke-width': 2.2 },
  comic: { stroke: '#111111', 'stroke-width': 1.6 },
  'pencil-sketch': { stroke: '#4a4844', 'stroke-width': 0.8 },
  anime: { stroke: '#243a66', 'stroke-width': 0.6 },
};

/** The picture of a style; a plain field for none, and a gradient for a style that has no drawing. */
export function StylePicture({ style }: { style: string }) {
  return (
    <svg class="style-picture" viewBox="0 0 80 52" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      {pictureOf(style)}
    </svg>
  );
}

function pictureOf(style: string): ComponentChildren {
  if (style === '') return <path class="style-none" d="M30 16L50 36M50 16L30 36" />;
  if (style === 'motion-graphics') return <MotionGraphics />;
  if (style === 'pixel-art') return <PixelArt />;
  if (style !== 'photorealistic' && !PAINTS[style]) return <Unknown style={style} />;
  return (
    <>
      <Effects style={style} />
      <Scene style={style} paint={{ ...DAY, ...PAINTS[style] }} />
      <Marks style={style} />
    </>
  );
}

function Scene({ style, paint }: { style: string; paint: Paint }) {
  const filter = FILTERED.has(style) ? `url(#style-${style})` : undefined;
  const isSolid = style === '3d-animation' || style === 'photorealistic' || style === 'claymation';
  const line = LINES[style] ?? {};
  return (
    <g filter={filter} stroke-linejoin="round" {...line}>
      <rect x="-4" y="-4" width="88" height="60" fill={paint.sky} stroke="none" />
      <circle cx="58" cy="15" r="7" fill={paint.sun} />
      <path d="M-4 34L14 15L29 29L42 19L62 34z" fill={paint.hill} />
      <path d="M30 35Q52 22 86 33V40H20z" fill={paint.near} />
      <rect x="-4" y="34" width="88" height="22" fill={paint.water} />
      <path d="M27 37V17Q40 25 41 37z" fill={paint.sail} />
      <path d="M25 37V22Q17 30 17 37z" fill={paint.sail} opacity="0.85" />
      <path d="M13 39H45Q41 46 34 46H23Q16 46 13 39z" fill={paint.hull} />
      {isSolid ? <rect x="-4" y="-4" width="88" height="60" fill={`url(#style-light-${style})`} stroke="none" /> : null}
    </g>
  );
}

const FILTERED = new Set(['watercolor', 'oil-painting', 'claymation', 'pencil-sketch', 'photorealistic', 'documentary', 'vintage']);

/** The definitions that the scene of a style refers to. */
function Effects({ style }: { style: string }) {
  const id = `style-${style}`;
  return (
    <defs>
      <linearGradient id={`style-light-${style}`} x1="1" y1="0" x2="0" y2="1">
        <stop offset="0" stop-color="#fff" stop-opacity="0.35" />
        <stop offset="0.5" stop-color="#fff" stop-opacity="0" />
        <stop offset="1" stop-color="#120830" stop-opacity="0.35" />
      </linearGradient>
      {FILTERED.has(style) ? (
        <filter id={id} x="-10%" y="-10%" width="120%" height="120%">
          <Filter style={style} />
        </filter>
      ) : null}
    </defs>
  );
}

function Filter({ style }: { style: string }) {
  if (style === 'photorealistic') return <feGaussianBlur stdDeviation="0.45" />;
  if (style === 'documentary' || style === 'vintage') {
    return (
      <>
        <feTurbulence type="fractalNoise" baseFrequency="0.9" numOctaves="1" result="grain" />
        <feColorMatrix in="grain" type="matrix" values="0 0 0 0 0.2  0 0 0 0 0.15  0 0 0 0 0.1  0 0 0 0.5 -0.1" />
        <feBlend in2="SourceGraphic" mode="soft-light" />
      </>
    );
  }
  const [frequency, scale] = { watercolor: [0.09, 7], 'oil-painting': [0.16, 6], claymation: [0.06, 3], 'pencil-sketch': [0.2, 2] }[style] ?? [0.1, 2];
  return (
    <>
      <feTurbulence type="turbulence" baseFrequency={frequency} numOctaves="2" result="waves" />
      <feDisplacementMap in="SourceGraphic" in2="waves" scale={scale} />
    </>
  );
}

/** What a style draws over the scene. */
function Marks({ style }: { style: string }) {
  switch (style) {
    case 'cinematic':
      return <path d="M0 0H80V7H0zM0 45H80V52H0z" fill="#050505" />;
    case 'documentary':
      return (
        <>
          <path d="M5 12V5H12M68 5H75V12M75 40V47H68M12 47H5V40" fill="none" stroke="#fff" stroke-width="1.2" />
          <circle cx="12" cy="12" r="2" fill="#e02d2d" />
        </>
      );
    case 'anime':
      return <path d="M6 14q3-6 9-3q4-5 9 0q6-1 6 4H6zM70 5l1.4 3.6L75 10l-3.6 1.4L70 15l-1.4-3.6L65 10l3.6-1.4z" fill="#fff" />;
    case 'comic':
      return (
        <>
          <pattern id="style-dots" width="3.4" height="3.4" patternUnits="userSpaceOnUse">
            <circle cx="1.2" cy="1.2" r="0.8" fill="#c81e1e" opacity="0.55" />
          </pattern>
          <rect width="80" height="52" fill="url(#style-dots)" />
        </>
      );
    case 'oil-painting':
      return <path d="M4 8q10-4 20 0M40 6q8-3 14 1M6 40q12 4 22 0M46 44q10-4 26 0M52 38q10 3 20-1" fill="none" stroke="#fff" stroke-opacity="0.4" stroke-width="1.8" stroke-linecap="round" />;
    case 'pencil-sketch':
      return <path d="M2 32L14 18M6 34L18 20M11 34L22 24M48 34L60 28M54 36L68 30M4 44L14 40M48 46L76 42M50 50L78 46M18 45L22 40M24 46L28 40M30 46L34 40" stroke="#4a4844" stroke-width="0.6" />;
    case 'noir':
      return <path d="M0 0L80 26V32L0 6zM0 12L80 38V42L0 16zM0 24L80 50V52L0 28z" fill="#fff" opacity="0.2" />;
    case 'vintage':
      return <path d="M0 0H80V52H0zM6 4V48H74V4z" fill="#3b2410" opacity="0.35" fill-rule="evenodd" />;
    default:
      return null;
  }
}

function MotionGraphics() {
  return (
    <>
      <rect width="80" height="52" fill="#2a1a6b" />
      <circle cx="24" cy="26" r="15" fill="#ff5d8f" />
      <path d="M24 11a15 15 0 0 1 0 30z" fill="#ffb443" />
      <path d="M44 8H72L58 30z" fill="#7bd7ff" />
      <path d="M44 34H74V40H44zM44 43H64V47H44z" fill="#7b61ff" />
    </>
  );
}

const PIXELS = [
  'ssssssssssssssss',
  'sssssssssssooosss',
  'ssssswsssssooosss',
  'ssshswwssssooossh',
  'sshhswwwshhsssshh',
  'shhhswwwwhhhsshhh',
  'aaaaawaaaaaaaaaaa',
  'aaabbbbbbaaaaaaaa',
  'aaaabbbbaaavaaaaa',
  'avaaaaaaaaaaaavaa',
];
const PIXEL_COLOURS: Record<string, string> = { s: '#6cc4ff', o: '#ffd23e', h: '#3fae62', w: '#ffffff', a: '#2a62c9', b: '#9b4f24', v: '#5c93f0' };

function PixelArt() {
  return (
    <g shape-rendering="crispEdges">
      {PIXELS.flatMap((row, y) =>
        [...row].map((pixel, x) => <rect key={`${x} ${y}`} x={x * 5} y={y * 5.2} width="5" height="5.2" fill={PIXEL_COLOURS[pixel]} />),
      )}
    </g>
  );
}

function Unknown({ style }: { style: string }) {
  let hue = 0;
  for (const letter of style) hue = (hue * 31 + letter.charCodeAt(0)) % 360;
  return (
    <>
      <rect width="80" height="52" fill={`hsl(${hue} 60% 45%)`} />
      <circle cx="26" cy="34" r="22" fill={`hsl(${(hue + 40) % 360} 70% 60%)`} opacity="0.8" />
      <circle cx="58" cy="16" r="14" fill={`hsl(${(hue + 90) % 360} 75% 65%)`} opacity="0.8" />
    </>
  );
}
