import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'reelworks-theme';
const kept = localStorage.getItem(KEY);

/** The chosen theme. */
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');

/** Shows the theme on the page, and keeps the choice in this browser. */
export function followTheme(): void {
  effect(() => {
    const { value } = theme;
    if (value === 'system') {
      delete document.documentElement.dataset['theme'];
      localStorage.removeItem(KEY);
    } else {
      document.documentElement.dataset['theme'] = value;
      localStorage.setItem(KEY, value);
    }
  });
}
