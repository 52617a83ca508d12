import { InvalidWebhook } from './errors.js';
import type { Notification } from './types.js';

const SECRET = 'whsec_';
const PUBLIC_KEY = 'whpk_';

/** Options of `verify`. */
export interface VerifyOptions {
  /** Seconds by which the webhook's time may differ from this machine's. Default: 300. */
  tolerance?: number;
}

/**
 * The notification in a webhook. Throws `InvalidWebhook` unless Reelworks has signed the webhook lately.
 *
 * @param body the body as received, byte for byte
 * @param headers the headers of the request: of `fetch`, or of Node
 * @param keys the secret of the endpoint (`whsec_…`), or Reelworks' public key (`whpk_…`). While you change a secret,
 *   give both.
 */
export async function verify(
  body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  keys: string | string[],
  { tolerance = 300 }: VerifyOptions = {},
): Promise<Notification> {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map(each => header(headers, `webhook-${each}`));
  if (!/^\d+$/.test(timestamp!) || Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) {
    throw new InvalidWebhook('the time of the webhook is too far from the time here');
  }
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  const right = await Promise.all([keys].flat().map(key => isSigned(signed, signatures!.split(' '), key)));
  if (!right.includes(true)) {
    throw new InvalidWebhook('no signature is right');
  }
  return notificationIn(text);
}

function header(headers: Headers | Record<string, string | string[] | undefined>, name: string): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  if (!found) {
    throw new InvalidWebhook(`the header ${name} is missing`);
  }
  return String(found);
}

async function isSigned(signed: Uint8Array<ArrayBuffer>, signatures: string[], key: string): Promise<boolean> {
  const isPublic = key.startsWith(PUBLIC_KEY);
  const bytes = decoded(key.replace(isPublic ? PUBLIC_KEY : SECRET, ''));
  const [version, algorithm] = isPublic ? ['v1a', 'Ed25519'] : ['v1', { name: 'HMAC', hash: 'SHA-256' }];
  const imported = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
  const given = signatures.map(each => each.split(',')).filter(([name]) => name === version);
  const right = given.map(([, text = '']) => crypto.subtle.verify(imported.algorithm, imported, decoded(text), signed));
  return (await Promise.all(right)).includes(true);
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  } catch {
    throw new InvalidWebhook('a key or a signature is not base64');
  }
}

function notificationIn(text: string): Notification {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null && 'type' in document) {
      return document as Notification;
    }
  } catch {
    // The same answer as for another document.
  }
  throw new InvalidWebhook('the body is no notification');
}
