import { useEffect } from 'preact/hooks';

import { route } from '../../app/routes';
import { maySupport, session } from '../../app/session';
import { Empty } from '../../parts/empty';
import { ProblemNote } from '../../parts/problem-note';
import { Customers } from './customers';
import { learnManager, manager, managerProblem } from './manager';
import { Timeline } from './timeline';
import { Viewed } from './viewed';
import { Views } from './views';
import './support.css';

/** Support: find a customer, see limits and balance, view the customer's page. `#/support/g/ID`: what happened to a generation. */
export function Support() {
  if (!maySupport.value) return <NotForThisKey />;
  return <Inner />;
}

function Inner() {
  useEffect(() => void learnManager(), [session.value?.key.id]);
  const [, part, id] = route.value.path;
  const isOperator = manager.value === 'operator';
  return (
    <section class="screen support">
      <div>
        <h1>Support</h1>
        <p class="soft">See what a customer sees. A view only reads, and each view is on record with its reason.</p>
      </div>
      {managerProblem.value ? <ProblemNote problem={managerProblem.value} onRetry={() => void learnManager()} /> : null}
      {part === 'g' && id ? (
        <Timeline key={id} id={id} isOperator={isOperator} />
      ) : (
        <>
          {session.value?.viewing ? <Viewed isOperator={isOperator} /> : null}
          <Customers>{isOperator ? <Views /> : null}</Customers>
        </>
      )}
    </section>
  );
}

function NotForThisKey() {
  const customer = session.value?.customer;
  return (
    <section class="screen support">
      <h1>Support</h1>
      <div class="glass panel">
        <Empty icon="lifebuoy">
          {customer ? (
            <p>
              You are signed in with a key of the customer {customer.name}. Support views other customers, and needs a key of the operator or of a
              service.
            </p>
          ) : (
            <p>
              The key of this session lacks the scope <code>admin</code>, which support needs.
            </p>
          )}
          <p>
            The operator makes such a key with <code>reelworks keys create --operator --scope read --scope admin</code>.
          </p>
        </Empty>
      </div>
    </section>
  );
}
