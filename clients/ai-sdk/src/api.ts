import type { SharedV4Warning } from '@ai-sdk/provider';
import { createJsonErrorResponseHandler, type FetchFunction } from '@ai-sdk/provider-utils';
import { z } from 'zod';

/** The name of the provider, and of its options in `providerOptions`. */
export const PROVIDER = 'reelworks';

/** How the models reach the gateway. */
export interface Api {
  url: (path: string) => string;
  headers: () => Record<string, string>;
  fetch?: FetchFunction;
}

const FIRST_SERVER_ERROR = 500;
const TRANSIENT = new Set([408, 409, 429]);

/** An error of the gateway. The gateway says whether the same order makes sense again. */
export const failed = createJsonErrorResponseHandler({
  errorSchema: z.object({ error: z.object({ message: z.string() }) }),
  errorToMessage: ({ error }) => error.message,
  isRetryable: ({ headers, status }) => {
    const advice = headers.get('x-should-retry');
    return advice ? advice === 'true' : TRANSIENT.has(status) || status >= FIRST_SERVER_ERROR;
  },
});

/** The settings that the result does not have as asked for. */
export function warningsOf(headers: Record<string, string> | undefined): SharedV4Warning[] {
  const told = headers?.['reelworks-warning']?.split('; ') ?? [];
  return told.map(message => ({ type: 'other', message }));
}
