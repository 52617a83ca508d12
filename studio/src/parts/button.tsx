import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';

import { Icon, type IconName } from './icon';

interface Props extends Omit<ButtonHTMLAttributes, 'label' | 'icon' | 'disabled' | 'type'> {
  children?: ComponentChildren;
  /** `main`: the one action of a screen. `quiet`: only an icon or a plain word. */
  kind?: 'main' | 'plain' | 'quiet' | 'danger';
  icon?: IconName;
  /** The name of a button without words. */
  label?: string;
  /** The action runs: the button keeps its size, and takes no second press. */
  isBusy?: boolean;
  disabled?: boolean;
  type?: 'button' | 'submit';
}

export function Button({ children, kind = 'plain', icon, label, isBusy = false, disabled = false, type = 'button', ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      class={`button ${kind}${children ? '' : ' icon-only'}${isBusy ? ' busy' : ''}${rest.class ? ` ${String(rest.class)}` : ''}`}
      aria-label={label}
      title={children ? undefined : label}
      aria-busy={isBusy || undefined}
      aria-disabled={isBusy || undefined}
      disabled={disabled}
      onClick={(event) => {
        // A disabled button would lose the focus.
        if (isBusy) event.preventDefault();
        else rest.onClick?.(event);
      }}
    >
      {icon ? <Icon name={icon} /> : null}
      {children ? <span>{children}</span> : null}
    </button>
  );
}
