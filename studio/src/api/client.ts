import { readServerTime } from './clock';
import { asProblem, Problem, problemOf } from './problem';

/** The page lies at `PREFIX/studio/`, the API at `PREFIX/v1/`. */
const ROOT = new URL('../', document.baseURI);

/** The address of a path of the gateway, such as `/v1/me`. */
export function address(path: string): string {
  return new URL(path.replace(/^\//, ''), ROOT).href;
}

/** Queries: a list gives the parameter several times; null and undefined leave it out. */
export type Query = Record<string, string | number | boolean | null | undefined | readonly string[]>;

interface Options {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** The request goes on when the page closes. */
  keepalive?: boolean;
}

let csrfToken = '';

/** Keeps the token that requests with changes send. Only in memory. */
export function useCsrfToken(token: string): void {
  csrfToken = token;
}

/** The headers of a request that changes something, for requests that `send` cannot make. */
export function changing(): Record<string, string> {
  return { accept: 'application/json', 'x-csrf-token': csrfToken };
}

/** Runs when a request finds that the session has ended. */
let onSignedOut: () => void = () => undefined;

export function whenSignedOut(run: () => void): void {
  onSignedOut = run;
}

/**
 * Send a request; the response of a success.
 *
 * Throws a Problem for a refusal or without an answer, and the reason of the signal when that ends the request.
 */
export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const { body, query, signal, keepalive = false } = options;
  const headers: Record<string, string> = { accept: 'application/json', ...(method === 'GET' ? {} : changing()), ...options.headers };
  const isBytes = body instanceof Blob;
  if (body !== undefined && !isBytes) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(address(path) + written(query), {
      method,
      headers,
      credentials: 'same-origin',
      keepalive,
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    throw asProblem(thrown);
  }
  // Every tab reads its session first, and no cache keeps the answer.
  if (path === '/v1/session') readServerTime(response.headers.get('date'));
  if (response.ok) return response;
  throw refused(await problemOf(response), path);
}

/** A refusal on its way to the caller; the end of the session shows the sign-in. */
export function refused(problem: Problem, path: string): Problem {
  if (problem.status === 401 && path !== '/v1/session') onSignedOut();
  return problem;
}

async function document_<T>(response: Promise<Response>): Promise<T> {
  const answer = await response;
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return document_<T>(send('GET', path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) }));
}

export function post<T>(path: string, body?: unknown, options: Omit<Options, 'body'> = {}): Promise<T> {
  return document_<T>(send('POST', path, { ...options, body }));
}

export function put<T>(path: string, body: unknown): Promise<T> {
  return document_<T>(send('PUT', path, { body }));
}

export function patch<T>(path: string, body: unknown): Promise<T> {
  return document_<T>(send('PATCH', path, { body }));
}

export function remove<T = void>(path: string): Promise<T> {
  return document_<T>(send('DELETE', path));
}

/** A query with its question mark; empty without parameters. */
export function written(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const each of typeof value === 'object' ? value : [value]) parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

export { Problem };
