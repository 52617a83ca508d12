export function Support() {
  return (
    <section class="screen">
      <h1>Support</h1>
    </section>
  );
}
