import type { Model } from '../../../api/schemas';
import { balance } from '../../../app/balance';
import { may, session } from '../../../app/session';
import { Button } from '../../../parts/button';
import { credits, seconds } from '../../../parts/numbers';
import { compared, estimated } from './estimate';
import { inputs, isUploading } from './inputs-list';
import { isPlacing, missingCredits } from './place';
import { priceText } from './prices';
import { currentRefusal, strayReason } from './problems';
import { change, chooseModel, model, order, values } from './state';
import { modelNamed } from '../../../state/models';

/** The price, the usual time and the credits, then the button. The sizes are reserved: a new price moves nothing. */
export function Summary({ onCode }: { onCode: () => void }) {
  const current = model.value;
  if (!current) return null;
  const total = totalPrice();
  const why = whyNot();
  return (
    <div class="order-summary">
      <Notice total={total} />
      <div class={`price-lines${estimated.value.isOld ? ' old' : ''}`} aria-busy={estimated.value.isOld}>
        <p class="price-figure">
          <strong>{total === null ? priceText(current) : `${credits(total)} ${total === 1 ? 'credit' : 'credits'}`}</strong>
          <span class="soft">{timeText()}</span>
        </p>
        <p class="soft have">{haveText()}</p>
      </div>
      <div class="order-buttons">
        <Button kind="main" icon="spark" type="submit" class="generate" isBusy={isPlacing.value} disabled={why !== null} title={why ?? 'Ctrl + Enter'}>
          {labelOf(current)}
        </Button>
        <Button icon="code" label="Show as code" onClick={onCode} />
      </div>
      {why ? <p class="hint">{why}</p> : null}
    </div>
  );
}

/** The price of the order, with the compared models. Null: not known. */
function totalPrice(): number | null {
  const { estimate } = estimated.value;
  if (!estimate) return null;
  const others = compared.value.map((name) => estimate.models.find((each) => each.model === name)?.credits ?? 0);
  return others.reduce((sum, each) => sum + each, estimate.credits);
}

function labelOf({ kind }: Model): string {
  const { number_of_outputs: outputs } = values.value;
  const count = outputs * (1 + compared.value.length);
  if (order.value?.preview) return count === 1 ? 'Make the preview' : `Make ${count} previews`;
  return count === 1 ? `Generate ${kind}` : `Generate ${count} ${kind}s`;
}

function timeText(): string {
  const { estimate, problem } = estimated.value;
  if (problem) return 'See the reason above';
  if (isUploading(inputs.value)) return 'An upload is running';
  if (!estimate) return '';
  const video = estimate.preview_of;
  if (video) return `for the preview, then ${credits(video.credits)} for ${estimate.number_of_outputs === 1 ? 'the' : 'each'} video`;
  const { usual_seconds: usual, expected_wait_seconds: wait } = estimate;
  const parts = [usual ? usualText(seconds(usual.p50), seconds(usual.p90)) : 'time not known yet'];
  if (wait && wait >= 1) parts.push(`${seconds(wait)} in the queue`);
  return parts.join(' · ');
}

function usualText(half: string, most: string): string {
  return half === most ? `usually ${half}` : `usually ${half}, rarely over ${most}`;
}

function haveText(): string {
  const has = balance.value;
  if (!has) return '';
  return `You have ${credits(has.available)}${has.held ? `, ${credits(has.held)} held` : ''}`;
}

/** Why nothing can be ordered at all. */
function whyNot(): string | null {
  if (session.value?.viewing) return 'You view a customer, read-only: nothing can be ordered.';
  if (!session.value?.customer) return 'Your key belongs to no customer. Sign in with the key of a customer to order.';
  if (!may('generate')) return 'Your key may read, and not order.';
  return null;
}

/** Why the order was refused, or that credits are missing. */
function Notice({ total }: { total: number | null }) {
  const problem = currentRefusal.value;
  const needed = problem?.code === 'insufficient_credits' ? Number(problem.more['credits_needed']) : total;
  const missing = missingCredits(needed);
  if (missing) return <MissingCredits missing={missing} />;
  if (!problem || problem.fields.length) return <FormReason />;
  const successor = modelNamed(String(problem.more['successor'] ?? ''));
  return (
    <div class="order-notice refused" role="alert">
      <p>
        {problem.message}
        {problem.retryAfter ? ` Try again in ${seconds(problem.retryAfter)}.` : ''}
      </p>
      {problem.status >= 500 && problem.requestId ? <small>Request {problem.requestId}</small> : null}
      {successor?.status === 'active' ? (
        <Button
          onClick={() => {
            change({ kind: successor.kind });
            chooseModel(successor);
          }}
        >
          Use {successor.title}
        </Button>
      ) : null}
    </div>
  );
}

/** A reason that belongs to no field of the form. */
function FormReason() {
  const { problem, isOld } = estimated.value;
  const text = problem && !isOld && !problem.fields.length ? problem.message : strayReason.value;
  if (!text) return null;
  return (
    <div class="order-notice refused" role="status">
      <p>{text}</p>
    </div>
  );
}

function MissingCredits({ missing }: { missing: number }) {
  const url = currentRefusal.value?.more['buy_credits_url'] ?? session.value?.credits_url;
  return (
    <div class="order-notice" role="status">
      <p>
        <strong>{credits(missing)}</strong> {missing === 1 ? 'credit is' : 'credits are'} missing for this order.{' '}
        {typeof url === 'string' ? (
          <a href={url} target="_blank" rel="noreferrer">
            Get credits
          </a>
        ) : (
          'Ask your operator for more.'
        )}
      </p>
    </div>
  );
}
