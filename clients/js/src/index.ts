export { hasEnded, Reelworks, type CallOptions, type OrderOptions, type WaitOptions } from './client.js';
export {
  ApiError,
  Conflict,
  ConnectionFailed,
  DailyCapReached,
  DamagedFile,
  Forbidden,
  GenerationFailed,
  Gone,
  InsufficientCredits,
  InvalidRequest,
  InvalidWebhook,
  ModelUnavailable,
  NotFound,
  QuotaReached,
  RateLimited,
  ReelworksError,
  ServerError,
  Unauthenticated,
  Unavailable,
  WaitTimeout,
  type FieldProblem,
  type Problem,
} from './errors.js';
export type { FollowOptions } from './follow.js';
export type { Request, Settings } from './link.js';
export type * from './types.js';
export { verify, type VerifyOptions } from './webhooks.js';
