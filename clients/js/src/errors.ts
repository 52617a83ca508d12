import type { Generation } from './types.js';

/** The root of all errors of this package. */
export class ReelworksError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** A wrong field of a request. */
export interface FieldProblem {
  /** The name, such as `requests.3.aspect_ratio`. */
  field: string;
  /** The rule that the value breaks. */
  message: string;
  /** The allowed values, where there are few. */
  allowed?: unknown[];
}

/** The document of a refusal (RFC 9457). Some codes add members. */
export interface Problem {
  status?: number;
  code?: string;
  detail?: string;
  errors?: FieldProblem[];
  [member: string]: unknown;
}

/** The service refused a request. Subclasses stand for families of codes. */
export class ApiError extends ReelworksError {
  /** The HTTP status. */
  readonly status: number;
  /** The stable code, for programs. Empty if a server in front of the gateway answered. */
  readonly code: string;
  /** The reason and the remedy, for people. */
  readonly detail: string;
  /** The wrong fields of the request. */
  readonly errors: FieldProblem[];

  constructor(
    readonly problem: Problem,
    /** The id of the request. The operator finds the request by this id. */
    readonly requestId?: string,
    /** Seconds after which the request may be repeated. */
    readonly retryAfter?: number,
  ) {
    const code = problem.code ?? '';
    const said = `${code || `HTTP ${problem.status}`}: ${problem.detail ?? ''}`;
    super(requestId ? `${said} (request ${requestId})` : said);
    this.status = problem.status ?? 0;
    this.code = code;
    this.detail = problem.detail ?? '';
    this.errors = problem.errors ?? [];
  }
}

/** The API key is wrong, expired or revoked. */
export class Unauthenticated extends ApiError {}
/** The customer has too few credits: `problem.credits_needed`, `problem.credits_available`. */
export class InsufficientCredits extends ApiError {}
/** The API key has spent as much as it may today (UTC). */
export class DailyCapReached extends ApiError {}
/** A limit of the customer or of the API key has no room. Nothing was ordered. `problem.limit` names the limit. */
export class QuotaReached extends ApiError {}
/** The API key may not do this. */
export class Forbidden extends ApiError {}
/** There is no such thing, or another customer has it. */
export class NotFound extends ApiError {}
/** The state does not allow the request: not ready, not finished, not cancellable, no result. */
export class Conflict extends ApiError {}
/** The thing existed once: a retired model, a deleted generation, an expired file. */
export class Gone extends ApiError {}
/** The request is wrong. `errors` names each field. */
export class InvalidRequest extends ApiError {}
/** Too many requests in a minute, or at one time. */
export class RateLimited extends ApiError {}
/** The model takes no orders now. `problem.successor` may name another model. */
export class ModelUnavailable extends ApiError {}
/** The service, or a server in front of the service, cannot answer now. */
export class Unavailable extends ApiError {}
/** A fault of the service. */
export class ServerError extends ApiError {}

/** No answer: the service was not reachable, or the connection was cut. */
export class ConnectionFailed extends ReelworksError {}

/** The generation or the batch has not ended in time, and goes on. Wait again, or cancel. */
export class WaitTimeout extends ReelworksError {
  constructor(
    /** The id of the generation or of the batch. */
    readonly id: string,
    seconds: number,
  ) {
    super(`${id} has not ended within ${seconds} seconds, and goes on`);
  }
}

/** The generation failed or was cancelled. */
export class GenerationFailed extends ReelworksError {
  constructor(
    /** The generation. Its `outcome` and `error` say why, and whether the same order may succeed. */
    readonly generation: Generation,
  ) {
    super(`${generation.id} ${generation.status}: ${generation.outcome?.message ?? 'no result'}`);
  }
}

/** The bytes of a download are not those of the result. */
export class DamagedFile extends ReelworksError {}

/** A webhook that Reelworks did not sign, or an old one. */
export class InvalidWebhook extends ReelworksError {}

type Family = typeof ApiError;

const BY_CODE: [Family, string[]][] = [
  [Unauthenticated, ['unauthenticated', 'key_expired', 'key_revoked']],
  [InsufficientCredits, ['insufficient_credits']],
  [DailyCapReached, ['daily_cap_reached']],
  [QuotaReached, ['quota_reached']],
  [Forbidden, ['insufficient_scope', 'other_customer', 'not_for_this_key', 'storage_quota_exceeded']],
  [NotFound, ['not_found']],
  [Conflict, ['not_ready', 'no_result', 'not_finished', 'not_cancellable', 'too_many_shares', 'variant_not_ready']],
  [Gone, ['model_retired', 'generation_deleted', 'asset_expired']],
  [InvalidRequest, ['invalid_request', 'idempotency_mismatch', 'not_continuable', 'bad_request']],
  [RateLimited, ['rate_limited', 'too_many_requests']],
  [ModelUnavailable, ['model_paused', 'no_sandbox', 'cost_above_price']],
  [Unavailable, ['unavailable', 'request_timeout', 'overloaded']],
  [ServerError, ['internal']],
];

const BY_STATUS: [Family, number[]][] = [
  [Unauthenticated, [401]],
  [InsufficientCredits, [402]],
  [Forbidden, [403]],
  [NotFound, [404]],
  [Conflict, [409]],
  [Gone, [410]],
  [InvalidRequest, [400, 405, 413, 415, 416, 422, 431]],
  [RateLimited, [429]],
  [Unavailable, [408, 502, 503, 504]],
  [ServerError, [500]],
];

/** The error of a response that is no success. By its code, or by its status where the code is new. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  const problem: Problem = { detail: response.statusText, ...documentIn(text), status: response.status };
  const family =
    BY_CODE.find(([, codes]) => codes.includes(problem.code ?? ''))?.[0] ??
    BY_STATUS.find(([, statuses]) => statuses.includes(response.status))?.[0] ??
    ApiError;
  return new family(
    problem,
    response.headers.get('x-request-id') ?? undefined,
    secondsOf(response.headers.get('retry-after')),
  );
}

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): error is ApiError | ConnectionFailed {
  return [RateLimited, Unavailable, ServerError, ConnectionFailed].some(family => error instanceof family);
}

/** A server in front of the gateway answers with its page, which is no problem document. */
function documentIn(text: string): object {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null ? document : {};
  } catch {
    return {};
  }
}

/** The seconds of `Retry-After`, which is a number or a time. */
function secondsOf(text: string | null): number | undefined {
  if (!text) {
    return undefined;
  }
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(seconds, 0);
}
