import { computed, signal } from '@preact/signals';

/** A place in the page: `#/gallery?kind=video` has the path `gallery` and one parameter. */
export interface Route {
  /** The parts of the path. Empty: the start. */
  path: readonly string[];
  /** The state of the screen, such as its filters. */
  query: URLSearchParams;
}

/** The route that a hash names. */
export function parsed(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const hash = signal(location.hash);
addEventListener('hashchange', () => (hash.value = location.hash));

/** The current route. */
export const route = computed(() => parsed(hash.value));

/** The hash of a place, for links. */
export function to(path: string, query: Record<string, string | readonly string[] | null | undefined> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) if (each) parameters.append(name, each);
  }
  const text = parameters.toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

/** Go to a place; `replace` leaves no entry in the history. */
export function go(place: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, '', place);
    hash.value = location.hash;
  } else location.hash = place;
}
