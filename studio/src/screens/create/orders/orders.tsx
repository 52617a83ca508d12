export function Orders() {
  return <section class="glass panel" aria-label="Your orders" />;
}
