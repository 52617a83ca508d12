import { computed, signal } from '@preact/signals';

import { get, post, put, remove, useCsrfToken, whenSignedOut } from '../api/client';
import { asProblem } from '../api/problem';
import type { NoSession, Session } from '../api/schemas';

/** Who is signed in. Undefined: not known yet. Null: nobody. */
export const session = signal<Session | null | undefined>(undefined);

/** Whether the gateway offers a sign-in without a key. */
export const developmentSignIn = signal(false);

/** The failure to learn who is signed in, such as a gateway that does not answer. */
export const sessionProblem = signal<string | null>(null);

/** Whether the page may only read: the key is the operator's or a service's, with or without a view of a customer. */
export const isReadOnly = computed(() => session.value?.customer === null);

/** The customer for whom the page acts. Null: nobody's page, as with an operator's key that views no customer. */
export const actsFor = computed(() => session.value?.viewing?.customer ?? session.value?.customer ?? null);

/** Whether the key has a scope. */
export function may(scope: string): boolean {
  return session.value?.key.scopes.includes(scope) ?? false;
}

/** Whether the key may view customers: an `admin` key of the operator or of a service. A customer's key manages only its own keys. */
export const maySupport = computed(() => may('admin') && session.value?.customer === null);

function take(answer: Session | null): void {
  useCsrfToken(answer?.csrf_token ?? '');
  if (answer) developmentSignIn.value = answer.development;
  session.value = answer;
  sessionProblem.value = null;
}

whenSignedOut(() => take(null));

/** Learn who is signed in. A development system signs in by itself. */
export async function resumeSession(): Promise<void> {
  try {
    const answer = await get<Session | NoSession>('/v1/session');
    if (answer.object === 'session') return take(answer);
    developmentSignIn.value = answer.development_sign_in;
    if (developmentSignIn.value && !hasLeft()) return void (await signIn().catch(() => take(null)));
    take(null);
  } catch (thrown) {
    sessionProblem.value = asProblem(thrown).message;
  }
}

/** Sign in with an API key; without one as the development customer. Throws a Problem. */
export async function signIn(apiKey?: string): Promise<void> {
  take(await post<Session>('/v1/session', apiKey === undefined ? {} : { api_key: apiKey }));
  sessionStorage.removeItem(LEFT);
}

/** Whether the session is being ended: further requests would come too late. */
export const isLeaving = signal(false);

/** End the session. */
export async function signOut(): Promise<void> {
  isLeaving.value = true;
  try {
    await remove('/v1/session');
    sessionStorage.setItem(LEFT, 'yes');
    take(null);
  } finally {
    isLeaving.value = false;
  }
}

/** View a customer as support, read-only. Throws a Problem. */
export async function viewCustomer(customerId: string, reason: string): Promise<void> {
  take(await put<Session>('/v1/session/customer', { customer_id: customerId, reason }));
}

/** End the view. */
export async function endView(): Promise<void> {
  take(await remove<Session>('/v1/session/customer'));
}

// After a sign-out, the page does not sign in by itself again.
const LEFT = 'reelworks-signed-out';

function hasLeft(): boolean {
  return sessionStorage.getItem(LEFT) !== null;
}
