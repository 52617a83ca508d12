export function OrderForm() {
  return <form class="glass panel" aria-label="Order" />;
}
