import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { ManagedCustomer } from '../../api/schemas';
import { isNoCommand } from '../../app/keys';
import { go, route, to } from '../../app/routes';
import { Button } from '../../parts/button';
import { Empty } from '../../parts/empty';
import { Field } from '../../parts/field';
import { Icon } from '../../parts/icon';
import { ListEnd } from '../../parts/list-end';
import { usePages } from '../../state/pages';
import { CustomerCard } from './customer-card';
import { ViewDialog } from './view-dialog';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The search for customers. The search is in the address. `children` stand below, once the length of the list is known. */
export function Customers({ children }: { children: ComponentChildren }) {
  const wanted = route.value.query.get('q') ?? '';
  const pages = usePages<ManagedCustomer>('/v1/admin/customers', { q: wanted || null, limit: 20 });
  const [viewed, setViewed] = useState<ManagedCustomer | null>(null);
  const customers = pages.items.value;
  const isKnown = customers.length > 0 || !pages.hasMore.value || pages.problem.value !== null;
  return (
    <section class="stacked" aria-labelledby="customers">
      <h2 id="customers">Customers</h2>
      <Search key={wanted} wanted={wanted} />
      {UUID.test(wanted) && customers.length === 1 && customers[0]?.id !== wanted.toLowerCase() ? (
        <p>
          This is the customer of the generation{' '}
          <a href={to(`support/g/${wanted}`)}>
            <code>{wanted.slice(0, 8)}</code>
          </a>
          : see what happened to it.
        </p>
      ) : null}
      {customers.length ? (
        <ul class="fact-cards">
          {customers.map((customer) => (
            <CustomerCard key={customer.id} customer={customer} onView={() => setViewed(customer)} />
          ))}
        </ul>
      ) : null}
      {customers.length === 0 && !pages.hasMore.value ? (
        <div class="glass panel">
          <Empty icon="search">
            {wanted ? `No customer of yours matches “${wanted}”.` : 'You have no customer yet.'}
          </Empty>
        </div>
      ) : null}
      <ListEnd pages={pages} waits />
      {isKnown ? children : null}
      {viewed ? <ViewDialog customer={viewed} onClose={() => setViewed(null)} /> : null}
    </section>
  );
}

function Search({ wanted }: { wanted: string }) {
  const [text, setText] = useState(wanted);
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
      if (event.key !== '/' || isNoCommand(event)) return;
      event.preventDefault();
      document.querySelector<HTMLInputElement>('.support input[type=search]')?.focus();
    };
    addEventListener('keydown', open);
    return () => removeEventListener('keydown', open);
  }, []);
  const search = (event: Event) => {
    event.preventDefault();
    go(to('support', { q: text.trim() || null }));
  };
  return (
    <form role="search" class="customer-search" onSubmit={search}>
      <Field label="Find a customer" hint="A part of the name, the service’s number, the customer’s id, or the id of a generation.">
        {(ids) => (
          <div class="search-line">
            <input {...ids} class="input" type="search" maxLength={200} value={text} onInput={(event) => setText(event.currentTarget.value)} />
            <Button type="submit" kind="main" icon="search">
              Find
            </Button>
          </div>
        )}
      </Field>
      {wanted ? (
        <a class="back" href="#/support">
          <Icon name="close" /> All customers
        </a>
      ) : null}
    </form>
  );
}
