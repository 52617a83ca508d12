import type { FieldProblem, ProblemDocument } from './schemas';

/** The API's refusal of a request, or a failure to reach the API. */
export class Problem extends Error {
  constructor(
    /** The HTTP status. 0: no answer came. */
    readonly status: number,
    /** The code of the refusal, as docs/errors.md lists them. `unreachable`: no answer came. */
    readonly code: string,
    /** A sentence for people. */
    message: string,
    /** The fields that are wrong. */
    readonly fields: readonly FieldProblem[] = [],
    /** Further members of the refusal. */
    readonly more: Readonly<Record<string, unknown>> = {},
    /** Seconds after which the same request may succeed. */
    readonly retryAfter: number | null = null,
    /** The request's id, for the operator's logs. */
    readonly requestId: string | null = null,
  ) {
    super(message);
    this.name = 'Problem';
  }

  /** The sentence about one field, or null. */
  field(name: string): string | null {
    return this.fields.find((each) => each.field === name)?.message ?? null;
  }
}

/** A message of the API as a sentence. Names of models, such as `veo-3`, keep their small letter. */
export function sentence(message: string): string {
  const text = message.trim();
  const begins = /^[a-z]+[ ,:]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(begins) ? begins : `${begins}.`;
}

/** The problem that a response tells. */
export async function problemOf(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get('retry-after')) || null;
  const requestId = response.headers.get('x-request-id');
  let body: Partial<ProblemDocument> & Record<string, unknown> = {};
  try {
    body = (await response.json()) as typeof body;
  } catch {
    // A proxy answered with a page of its own.
  }
  const detail = body.detail ?? body.title ?? `The server answered with ${response.status}.`;
  return new Problem(response.status, body.code ?? 'unknown', sentence(detail), body.errors ?? [], body, retryAfter, requestId);
}

/** A thrown thing as a problem. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(0, 'unreachable', 'Reelworks does not answer. Check your connection, and try again.');
}
