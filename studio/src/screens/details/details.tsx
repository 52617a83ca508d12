export function Details() {
  return (
    <section class="screen">
      <h1>Details</h1>
    </section>
  );
}
