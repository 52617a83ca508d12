export function Account() {
  return (
    <section class="screen">
      <h1>Account</h1>
    </section>
  );
}
