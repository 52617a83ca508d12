// A hook for React.

import { useCallback, useEffect, useRef, useState } from 'react';
import type { OrderOptions, Reelworks } from './client.js';
import type { Generation, GenerationEvent, Order } from './types.js';

/** What a component shows of a generation. */
export interface GenerationState {
  /** Whether an order or a wait is under way. */
  isRunning: boolean;
  /** Percent. */
  progress: number;
  /** The last event. */
  event?: GenerationEvent;
  /** The generation after its end. `outcome` says why there is no result. */
  generation?: Generation;
  /** The error of a request, or the reason why the order was refused. */
  error?: unknown;
}

/** The state of a generation, and the ways to begin and to end one. */
export interface UseGeneration extends GenerationState {
  /** Order, and follow the generation to its end. A further order takes the place of the first. */
  generate: (order: Order, options?: OrderOptions) => Promise<void>;
  /** Cancel the generation that is under way. */
  cancel: () => Promise<void>;
}

const IDLE: GenerationState = { isRunning: false, progress: 0 };

/**
 * Orders and follows a generation.
 *
 * @param client the client; the same object at each call
 * @param id a generation to follow from the beginning, such as one of an earlier visit
 */
export function useGeneration(client: Reelworks, id?: string): UseGeneration {
  const [state, setState] = useState(IDLE);
  const current = useRef<{ id?: string; controller: AbortController }>(undefined);

  const follow = useCallback(
    async (begin: () => Promise<string>) => {
      current.current?.controller.abort();
      const controller = new AbortController();
      const { signal } = controller;
      const run: { id?: string; controller: AbortController } = { controller };
      current.current = run;
      // A component that is gone, or that follows another generation, shows nothing of this one.
      const show = (change: Partial<GenerationState>) => {
        if (!signal.aborted) {
          setState(before => ({ ...before, ...change }));
        }
      };
      setState({ ...IDLE, isRunning: true });
      try {
        run.id = await begin();
        const onProgress = (event: GenerationEvent) => show({ event, progress: event.progress });
        const generation = await client.wait(run.id, { signal, onProgress });
        show({ generation, progress: generation.progress, isRunning: false });
      } catch (error) {
        show({ error, isRunning: false });
      }
    },
    [client],
  );

  const generate = useCallback(
    (order: Order, options: OrderOptions = {}) => follow(async () => (await client.order(order, options)).id),
    [client, follow],
  );

  const cancel = useCallback(async () => {
    if (current.current?.id) {
      await client.cancel(current.current.id);
    }
  }, [client]);

  useEffect(() => {
    if (id) {
      void follow(() => Promise.resolve(id));
    }
    return () => current.current?.controller.abort();
  }, [follow, id]);

  return { ...state, generate, cancel };
}
