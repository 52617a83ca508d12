/** Aspect ratios: their shape, and where pictures of that shape go. */

/** A line drawing of a place: 24 × 24. */
const PLATFORMS = {
  screen: 'M3 5h18v12H3zM8 21h8M12 17v4M10 8.5l4.5 2.5-4.5 2.5z',
  phone: 'M8 2.5h8a1 1 0 0 1 1 1v17a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1v-17a1 1 0 0 1 1-1zM10.5 18.5h3M10.5 8.5l4 2.5-4 2.5z',
  feed: 'M4 6h3l1.5-2h7L17 6h3v13H4zM12 9a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7',
  cinema: 'M3 7h18v10H3zM3 10h2M3 14h2M19 10h2M19 14h2',
  photo: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01',
  print: 'M6 3h12v18H6zM9 15l2-2.5 1.5 1.5 1-1 1.5 2M9 18h6',
  banner: 'M2 9h20v6H2zM5 12h8M17 12h2',
  tower: 'M9 2h6v20H9zM12 5v8M12 17v2',
  auto: 'M12 3l2 6.5L20.5 12L14 14.5L12 21l-2-6.5L3.5 12L10 9.5z',
} as const;

const PLACES: Record<string, { platform: keyof typeof PLATFORMS; place: string }> = {
  '16:9': { platform: 'screen', place: 'YouTube' },
  '9:16': { platform: 'phone', place: 'Reels, TikTok' },
  '1:1': { platform: 'feed', place: 'Feed' },
  '4:5': { platform: 'feed', place: 'Portrait' },
  '5:4': { platform: 'print', place: 'Print' },
  '21:9': { platform: 'cinema', place: 'Cinema' },
  '9:21': { platform: 'phone', place: 'Tall phone' },
  '4:3': { platform: 'screen', place: 'Slides' },
  '3:4': { platform: 'print', place: 'Poster' },
  '3:2': { platform: 'photo', place: 'Photo' },
  '2:3': { platform: 'photo', place: 'Pinterest' },
  '2:1': { platform: 'banner', place: 'Header' },
  '1:2': { platform: 'tower', place: 'Tall' },
  auto: { platform: 'auto', place: 'As fits' },
};

export interface Shape {
  ratio: string;
  /** Where such pictures go. */
  place: string;
  /** The drawing of that place. */
  path: string;
  /** The size of the shape in a box of 40 × 40. Null: the model decides. */
  size: { width: number; height: number } | null;
}

const BOX = 40;

export function shapeOf(ratio: string): Shape {
  const [width = 0, height = 0] = ratio.split(':').map(Number);
  const isShape = width > 0 && height > 0;
  const known = PLACES[ratio] ?? (width >= height ? { platform: 'banner' as const, place: 'Banner' } : { platform: 'tower' as const, place: 'Tower' });
  const scale = BOX / Math.max(width, height);
  return {
    ratio,
    place: known.place,
    path: PLATFORMS[known.platform],
    size: isShape ? { width: Math.max(width * scale, 5), height: Math.max(height * scale, 5) } : null,
  };
}
