/** Endpoints and deliveries in plain words. */
import type { Delivery, Endpoint } from '../../../api/schemas';
import type { BadgeKind } from '../../../parts/badge';

interface State {
  label: string;
  kind: BadgeKind;
  /** A sentence that says more. */
  says: string;
}

const PAUSED: Record<NonNullable<Endpoint['paused_reason']>, string> = {
  requested: 'You paused the endpoint. Messages wait until you resume it.',
  failing: 'Every attempt failed for days, so the endpoint is paused. Repair the receiver, then resume the endpoint.',
  gone: 'The receiver answered 410 (gone), so the endpoint is paused.',
  operator: 'The operator paused the endpoint.',
};

export function endpointState({ paused_at, paused_reason, failing_since }: Endpoint): State {
  if (paused_at) return { label: 'paused', kind: 'warn', says: PAUSED[paused_reason ?? 'requested'] };
  if (failing_since) return { label: 'failing', kind: 'bad', says: 'The last attempts failed. Each message is tried again for about a day.' };
  return { label: 'active', kind: 'good', says: 'Messages are sent.' };
}

const DELIVERIES: Record<Delivery['state'], Omit<State, 'label'>> = {
  pending: { kind: 'warn', says: 'An attempt follows.' },
  delivered: { kind: 'good', says: 'The receiver took the message.' },
  failed: { kind: 'bad', says: 'The last attempt failed. No attempt follows unless you send the message again.' },
  dropped: { kind: 'plain', says: 'The message was given up: its generation or its endpoint is gone.' },
};

export function deliveryState({ state }: Pick<Delivery, 'state'>): State {
  return { label: state, ...DELIVERIES[state] };
}

/** The types that an endpoint hears, in words. */
export function typesInWords(types: readonly string[]): string {
  return types.map((type) => TYPES[type] ?? type).join(', ');
}

const TYPES: Record<string, string> = {
  '*': 'everything',
  'generation.*': 'every change of a generation',
  'endpoint.*': 'every message about endpoints',
  'generation.accepted': 'accepted',
  'generation.started': 'started',
  'generation.moved': 'moved to another stage',
  'generation.completed': 'completed',
  'generation.failed': 'failed',
  'generation.cancelled': 'cancelled',
  'endpoint.paused': 'an endpoint was paused',
  'endpoint.test': 'tests',
};

/** Why a URL cannot be that of an endpoint, as far as the page can tell. The server judges the rest. */
export function wrongUrl(text: string): string | null {
  if (!text.trim()) return 'Enter the URL of your receiver, such as https://shop.example/hooks.';
  try {
    const { protocol } = new URL(text.trim());
    return protocol === 'https:' || protocol === 'http:' ? null : 'Enter a URL that begins with https://.';
  } catch {
    return 'This is no URL. Enter one such as https://shop.example/hooks.';
  }
}
