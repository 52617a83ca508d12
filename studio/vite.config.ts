import { defineConfig } from 'vitest/config';

/** The gateway that `npm run dev` talks to; `make up` starts one. */
const GATEWAY = process.env.GATEWAY ?? 'http://127.0.0.1:8000';

export default defineConfig({
  // The page works at any path: a proxy may put the gateway under a prefix.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../gateway/studio_page',
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the page allows no data: in scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/files', '/inputs'].map((path) => [path, { target: GATEWAY }])),
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
});
