import { Button } from '../parts/button';
import { theme, type Theme } from './theme';

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const ICONS = { system: 'contrast', light: 'sun', dark: 'moon' } as const;

/** Goes round the themes: the system's, light, dark. */
export function ThemeChoice() {
  const { value } = theme;
  return (
    <Button
      kind="quiet"
      icon={ICONS[value]}
      label={`Theme: ${value}. Change to ${NEXT[value]}`}
      onClick={() => (theme.value = NEXT[value])}
    />
  );
}
