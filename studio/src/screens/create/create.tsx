import { OrderForm } from './form';
import { Orders } from './orders/orders';
import './create.css';

/** The form, and beside it the orders that it placed. */
export function Create() {
  return (
    <section class="screen create">
      <h1 class="visually-hidden">Create</h1>
      <OrderForm />
      <Orders />
    </section>
  );
}
