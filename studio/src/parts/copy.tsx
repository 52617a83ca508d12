import { Button } from './button';
import { toast } from './toasts';
import { announce } from './announce';

/** Copy a text; says so, or says how to copy by hand. */
export async function copyText(text: string, name: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${name} copied`);
    announce(`${name} copied`);
  } catch {
    toast(`The browser does not let the page copy. ${name}: ${text}`, { kind: 'failed' });
  }
}

export function CopyButton({ text, name, children }: { text: string; name: string; children?: string }) {
  return (
    <Button icon="copy" label={`Copy ${name.toLowerCase()}`} kind={children ? 'plain' : 'quiet'} onClick={() => void copyText(text, name)}>
      {children}
    </Button>
  );
}
