import type { ComponentChildren } from 'preact';

import { Icon, type IconName } from './icon';

/** Says that there is nothing yet, and how to change that. */
export function Empty({ icon, children }: { icon: IconName; children: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}
