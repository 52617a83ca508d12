import { useState } from 'preact/hooks';

import { address } from '../../../api/client';
import type { OrderFields } from '../../../api/schemas';
import { Choice } from '../../../parts/choice';
import { CopyButton } from '../../../parts/copy';
import { Dialog } from '../../../parts/dialog';
import { codeOf, type Language } from './code';

interface Props {
  orders: readonly OrderFields[];
  /** The extension of the results. */
  extension: string;
  isOpen: boolean;
  onClose: () => void;
}

const LANGUAGES: { value: Language; label: string }[] = [
  { value: 'curl', label: 'curl' },
  { value: 'python', label: 'Python' },
  { value: 'node', label: 'Node' },
];

/** This very order as code. */
export function CodeDialog({ orders, extension, isOpen, onClose }: Props) {
  const [language, setLanguage] = useState<Language>('curl');
  const code = isOpen ? codeOf(language, orders, address(''), extension) : '';
  return (
    <Dialog title="This order as code" size="wide" isOpen={isOpen} onClose={onClose} actions={<CopyButton text={code} name="Code">Copy</CopyButton>}>
      <Choice legend="Language" options={LANGUAGES} value={language} onChange={setLanguage} />
      <p class="soft">
        Set <code>REELWORKS_API_KEY</code> to your key. The page never shows a key here.
      </p>
      <pre class="order-code" tabIndex={0}>
        <code>{code}</code>
      </pre>
    </Dialog>
  );
}
