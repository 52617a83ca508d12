/** The documents of the API that the page uses, by the names that the page gives them. */
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Generation = Schemas['GenerationResource'];
export type GenerationEvent = Schemas['EventResource'];
export type Batch = Schemas['BatchResource'];
export type QueuePlace = Schemas['QueuePlace'];
export type UsualSeconds = Schemas['UsualSeconds'];
export type Share = Schemas['ShareResource'];
export type Timeline = Schemas['Timeline_TimelineEntry_'];
export type TimelineEntry = Schemas['TimelineEntry'];
export type Order = Schemas['HttpOrder'];
/** An order as the page sends it: fields that are left out take the model's defaults. */
export type OrderFields = Partial<Order> & Pick<Order, 'prompt'>;
export type Model = Schemas['ModelResource'];
export type Capabilities = Schemas['Capabilities'];
export type Estimate = Schemas['EstimateResource'];
export type EstimatedModel = Schemas['EstimatedModel'];
export type Asset = Schemas['AssetResource'];
export type Credits = Schemas['CreditsResource'];
export type Me = Schemas['MeResource'];
export type Limits = Schemas['LimitsResource'];
export type Transfer = Schemas['TransferResource'];
export type Usage = Schemas['UsageResource'];
export type UsageOfModel = Schemas['UsageOfModel'];
export type Key = Schemas['KeyResource'];
export type NewKey = Schemas['NewKeyResource'];
export type KeyRequest = Schemas['KeyRequest'];
export type Scope = Schemas['Scope'];
export type OnLimit = Schemas['OnLimit'];
export type Endpoint = Schemas['EndpointResource'];
export type NewEndpoint = Schemas['NewEndpointResource'];
export type EndpointSecret = Schemas['SecretResource'];
export type EventTypeInfo = Schemas['EventTypeResource'];
export type Delivery = Schemas['DeliveryResource'];
export type DeliveryDetails = Schemas['DeliveryDetails'];
export type Attempt = Schemas['AttemptResource'];
export type ManagedCustomer = Schemas['ManagedCustomer'];
export type OperatorsTimeline = Schemas['OperatorsTimeline'];
export type OperatorsEntry = Schemas['OperatorsEntry'];
export type Change = Schemas['ChangeResource'];
export type ProblemDocument = Schemas['Problem'];
export type FieldProblem = Schemas['FieldProblem'];
export type Upload = Schemas['UploadResource'];
export type Stage = Schemas['Stage'];
export type Status = Schemas['Status'];
export type Kind = Schemas['Kind'];

/** A page of a list. */
export interface Page<T> {
  data: T[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Who is signed in (`/v1/session`). */
export interface Session {
  object: 'session';
  /** The customer for whom the page acts. Null: an operator's key without a customer. */
  customer: { id: string; name: string } | null;
  /** The API key behind the session. */
  key: { id: string; name: string; prefix: string; scopes: string[]; is_test: boolean };
  /** Each request that changes something sends this in `X-CSRF-Token`. */
  csrf_token: string;
  /** The customer whom support views, read-only. */
  viewing: { customer: { id: string; name: string }; since: string } | null;
  /** The end of the session without further use. */
  expires_at: string;
  /** Whether this is the sign-in of a development system, without a key. */
  development: boolean;
  /** The operator's page that sells credits. */
  credits_url: string | null;
}

/** Nobody is signed in (`/v1/session`). */
export interface NoSession {
  object: 'no_session';
  /** Whether the gateway offers a sign-in without a key. */
  development_sign_in: boolean;
}
